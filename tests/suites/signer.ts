import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ask,
  attacks,
  type Case,
  faultPoints,
  faultsOf,
  type Game,
  honestCase,
  honestReturn,
  mutateParams,
  playSplitting,
  replaceWith,
  startGame,
  toParams,
} from '@quittance/signer/testing';

/** Requests of one run that are tampered with, besides an honest one and fuzzed ones. */
const ATTACKS_PER_RUN = 4;
const FUZZED_PER_RUN = 3;
/** So often the signer is killed in the middle of a request, and its limits are tested. */
const RUNS_PER_CRASH = 10;
const RUNS_PER_SPLITTING = 100;
const REPORTED_FAULTS = 20;

export type SignerCounts = {
  violations: number;
  signed: number;
  refused: number;
  attacks: number;
  attackKinds: number;
  fuzzed: number;
  fuzzedSigned: number;
  secondPayments: number;
  replacements: number;
  crashes: number;
  splittings: number;
  codes: Record<string, number>;
};

type Play = { game: Game; counts: SignerCounts; report: (line: string) => void };

/**
 * A hostile server against a real signer process: random honest requests, each with random
 * tampering, fuzzed bytes, second payments, kills in the middle, and limits evaded by splitting.
 * What is tampered with must be refused with the right code, what is honest must be signed, and
 * everything that is signed is audited with another library. The same seed makes the same requests.
 * @param options.report hears each violation in a sentence
 */
export async function run(options: {
  runs: number;
  seed: number;
  report?: (line: string) => void;
}): Promise<SignerCounts> {
  const dir = mkdtempSync(join(tmpdir(), 'quittance-signer-suite-'));
  const counts: SignerCounts = {
    ...{ violations: 0, signed: 0, refused: 0, attacks: 0, attackKinds: 0, fuzzed: 0 },
    ...{ fuzzedSigned: 0, secondPayments: 0, replacements: 0, crashes: 0, splittings: 0 },
    codes: {},
  };
  const report = (line: string): void => {
    counts.violations += 1;
    if (counts.violations <= REPORTED_FAULTS) (options.report ?? console.error)(line);
  };
  const game = await startGame({ dir: mkdtempSync(join(dir, 'main-')), seed: options.seed });
  const play: Play = { game, counts, report };
  const kinds = new Set<string>();
  try {
    for (let i = 0; i < options.runs && counts.violations < REPORTED_FAULTS; i++) {
      await attackOnce(play, i, kinds);
      await fuzzOnce(play);
      await serveOnce(play);
      if (i % RUNS_PER_CRASH === RUNS_PER_CRASH - 1) await crashOnce(play, i / RUNS_PER_CRASH);
      if (i % RUNS_PER_SPLITTING === 0) {
        const folder = mkdtempSync(join(dir, 'split-'));
        for (const fault of await playSplitting(folder, game.cast)) report(`splitting: ${fault}`);
        counts.splittings += 1;
      }
    }
    counts.attackKinds = kinds.size;
    const broken = await game.verifyLog();
    if (broken !== null) report(`the audit log at the end: ${broken}`);
  } finally {
    await game.close();
    rmSync(dir, { recursive: true, force: true });
  }
  return counts;
}

function randomCase({ game }: Play): Case {
  const { random, wallets } = game.cast;
  const wallet = random.pick(wallets);
  if (random.below(5) > 0) return honestCase(game.cast, wallet);
  return honestReturn(game.cast, wallet, random.pick(['consolidation', 'bump-child']));
}

/** Tampered requests: every kind has its turn, from a random one on. */
async function attackOnce(play: Play, round: number, kinds: Set<string>): Promise<void> {
  const { game, counts, report } = play;
  const { cast, signer } = game;
  for (let i = 0; i < ATTACKS_PER_RUN; i++) {
    const attack = attacks[(round * ATTACKS_PER_RUN + i) % attacks.length];
    const wallet = cast.random.pick(cast.wallets);
    const params = attack?.apply(honestCase(cast, wallet), cast) ?? null;
    if (attack === undefined || params === null) continue;
    const outcome = await ask(signer.client, params);
    counts.attacks += 1;
    kinds.add(attack.name);
    if (outcome.kind !== 'refused') {
      report(`"${attack.name}" on ${wallet.name}: ${outcome.kind}`);
      continue;
    }
    counts.refused += 1;
    counts.codes[outcome.code] = (counts.codes[outcome.code] ?? 0) + 1;
    if (!attack.codes.includes(outcome.code)) {
      report(`"${attack.name}" on ${wallet.name}: refused as ${outcome.code}: ${outcome.reason}`);
    }
  }
}

/** Random bytes and fields changed: refused, or signed and still right. */
async function fuzzOnce(play: Play): Promise<void> {
  const { game, counts, report } = play;
  for (let i = 0; i < FUZZED_PER_RUN; i++) {
    const good = randomCase(play);
    const params = mutateParams(toParams(good), game.cast.random);
    const outcome = await ask(game.signer.client, params);
    counts.fuzzed += 1;
    if (outcome.kind === 'lost') report(`fuzzed: no answer: ${String(outcome.error)}`);
    if (outcome.kind !== 'signed') continue;
    counts.fuzzedSigned += 1;
    const approved = { ...params, payouts: good.payouts };
    for (const fault of faultsOf(approved, outcome.result, good.draft.wallet)) {
      report(`fuzzed and signed: ${fault}`);
    }
  }
}

/** An honest request is signed, stays the same, and is never paid a second time. */
async function serveOnce(play: Play): Promise<void> {
  const { game, counts, report } = play;
  const { cast, signer } = game;
  const good = randomCase(play);
  const params = toParams(good);
  const outcome = await ask(signer.client, params);
  if (outcome.kind !== 'signed') {
    const why = outcome.kind === 'refused' ? `${outcome.code}: ${outcome.reason}` : 'lost';
    report(`an honest request of ${good.draft.wallet.name} was not signed: ${why}`);
    return;
  }
  counts.signed += 1;
  for (const fault of faultsOf(params, outcome.result, good.draft.wallet)) report(fault);
  const again = await ask(signer.client, params);
  if (JSON.stringify(again) !== JSON.stringify(outcome)) report('another answer the second time');
  if (good.kind !== 'payouts') return;
  for (const { name, params: second, code } of replaceWith(good, cast)) {
    const answer = await ask(signer.client, second);
    if (code === null) {
      counts.replacements += 1;
      if (answer.kind !== 'signed') report(`${name}: ${JSON.stringify(answer)}`);
      else for (const each of faultsOf(second, answer.result, good.draft.wallet)) report(each);
      continue;
    }
    counts.secondPayments += 1;
    const isRight = answer.kind === 'refused' && answer.code === code;
    if (!isRight) report(`${name}: ${JSON.stringify(answer).slice(0, 300)}`);
  }
}

/** Killed at a point of the code; afterwards the same question has an answer, and only one. */
async function crashOnce(play: Play, turn: number): Promise<void> {
  const { game, counts, report } = play;
  const { cast, signer } = game;
  const points = faultPoints.filter((point) => !/snapshot|policy/.test(point));
  const faultPoint = points[Math.floor(turn) % points.length];
  if (faultPoint === undefined) return;
  const good = honestCase(cast, cast.random.pick(cast.wallets));
  const params = toParams(good);
  await signer.kill();
  await signer.restart({ faultPoint });
  const first = await ask(signer.client, params);
  const end = await signer.ended();
  if (end !== 'SIGKILL') report(`${faultPoint}: the process ended with ${end}`);
  await signer.restart();
  counts.crashes += 1;
  const second = await ask(signer.client, params);
  if (second.kind !== 'signed') report(`${faultPoint}: not signed after it: ${second.kind}`);
  if (first.kind === 'signed' && JSON.stringify(first) !== JSON.stringify(second)) {
    report(`${faultPoint}: another answer after the crash`);
  }
  for (const { name, params: other, code } of replaceWith(good, cast)) {
    const answer = await ask(signer.client, other);
    if (code !== null && !(answer.kind === 'refused' && answer.code === code)) {
      report(`${faultPoint}: ${name}: ${JSON.stringify(answer).slice(0, 300)}`);
    }
  }
}
