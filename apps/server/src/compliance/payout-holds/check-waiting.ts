import { createHash } from 'node:crypto';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import {
  freeWaitingPayout,
  HELD_FOR_MS,
  holdWaitingPayout,
  type Payout,
  type PayoutListener,
  type PayoutToScreen,
  readWaitingPayouts,
  type Screening,
  type ScreenPayouts,
  takeWaitingPayout,
  type WaitingPayout,
} from '../../paying/payouts/index.ts';
import { raiseComplianceAlert } from '../cases/index.ts';
import type { PayoutHold, Verdict } from './hold.ts';
import { type DestinationLists, type Look, lookAtPayouts } from './look.ts';
import { CHECKS_CHANNEL, readListEpoch, writeHold } from './store.ts';

export type CheckDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  lists: DestinationLists & { epoch(): bigint; onSwitch(fn: () => void): () => void };
  /** Told of payouts that are held or freed. */
  listener: PayoutListener;
  /** What else holds payouts: the Travel Rule. */
  also: ScreenPayouts;
  onError(error: unknown): void;
};

/** What rings tells of nearly everything; documents run out and prices move without one. */
const LOOK_EVERY_MS = 30_000;
/** Payouts that one look takes from the database: some hundred kilobytes. */
const PAGE = 200;
/** A hold that ends so soon is made anew, so that it does not lapse between two looks. */
const RENEW_BEFORE_MS = HELD_FOR_MS / 2;

/** Looks at waiting payouts again whenever something changes that they may be held or freed by. */
export function startPayoutChecks(deps: CheckDeps): Loop {
  return startLoop({
    name: 'payout checks',
    everyMs: LOOK_EVERY_MS,
    run: (signal) => checkWaitingPayouts(deps, signal),
    async wake(ring) {
      const unlisten = await deps.database.listen(CHECKS_CHANNEL, { message: ring, gap: ring });
      const ended = deps.lists.onSwitch(ring);
      return async () => {
        ended();
        await unlisten();
      };
    },
    onError: deps.onError,
    clock: deps.clock,
  });
}

/**
 * Goes through all payouts that wait. What something speaks against is put on hold, with an alert where
 * it is new; what was held and nothing speaks against any more goes on. What is under way, or in
 * somebody's hands just now, is left alone: the last gate asks again in any case.
 */
export async function checkWaitingPayouts(deps: CheckDeps, signal: AbortSignal): Promise<void> {
  const { database, lists } = deps;
  // Lists of before would free what the new ones hold; the switch of this process rings again.
  if ((await database.asSystem(readListEpoch)) > lists.epoch()) return;
  let afterId: Uuid | null = null;
  while (!signal.aborted) {
    const page: { afterId: Uuid | null; limit: number } = { afterId, limit: PAGE };
    const { waiting, changing } = await database.asSystem(async (tx) => {
      const found = await readWaitingPayouts(tx, page);
      return { waiting: found, changing: await findChanging(tx, deps, found) };
    });
    for (const payout of changing) {
      if (signal.aborted) return;
      await checkOne(deps, payout).catch(deps.onError);
    }
    if (waiting.length < PAGE) return;
    afterId = waiting.at(-1)?.id ?? null;
  }
}

/** Looks without any lock: nearly always nothing has changed. */
async function findChanging(
  tx: Tx,
  deps: CheckDeps,
  waiting: readonly WaitingPayout[],
): Promise<WaitingPayout[]> {
  if (waiting.length === 0) return [];
  const nowMs = deps.clock.nowMs();
  const looks = await lookAtPayouts(tx, { ...deps, nowMs, lock: false }, waiting);
  const others = await deps.also(tx, waiting);
  return waiting.filter(
    (payout) => stepFor(payout, looks.get(payout.id), others.get(payout.id), nowMs) !== 'nothing',
  );
}

type Step = 'nothing' | 'hold' | 'free' | 'tell_and_hold';

/** What is to be done about a waiting payout. Pure. */
function stepFor(
  { reason, notBeforeMs }: Pick<Payout, 'reason' | 'notBeforeMs'>,
  look: Look | undefined,
  other: Screening | undefined,
  nowMs: number,
): Step {
  const verdict = look?.verdict ?? { kind: 'fine' };
  const isHeld = reason === 'destination_held';
  if (verdict.kind === 'held' && verdict.isNew) return 'tell_and_hold';
  if (verdict.kind === 'fine' && other?.ok !== false) {
    return isHeld || look?.hold?.state === 'held' ? 'free' : 'nothing';
  }
  const lasts = isHeld && notBeforeMs !== null && notBeforeMs > nowMs + RENEW_BEFORE_MS;
  return lasts ? 'nothing' : 'hold';
}

async function checkOne(deps: CheckDeps, own: { merchantId: Uuid; id: Uuid }): Promise<void> {
  const { database, clock, ids } = deps;
  await database.asSystem(async (tx) => {
    const payout = await takeWaitingPayout(tx, own);
    if (payout === undefined) return;
    const nowMs = clock.nowMs();
    const telling = { ids, nowMs };
    const how = { ...deps, nowMs, lock: true };
    const look = (await lookAtPayouts(tx, how, [payout])).get(payout.id);
    const other = (await deps.also(tx, [payout])).get(payout.id);
    const step = stepFor(payout, look, other, nowMs);
    if (step === 'free') {
      await freeWaitingPayout(tx, deps, telling, payout);
      const hold = look?.hold;
      if (hold?.state !== 'held') return;
      await writeHold(tx, { ...hold, state: 'lifted', version: hold.version + 1 }, nowMs);
      return;
    }
    if (step === 'nothing') return;
    await holdWaitingPayout(tx, deps, telling, payout);
    if (step === 'hold' || look?.verdict.kind !== 'held') return;
    await tell(tx, { ids, nowMs }, { payout, verdict: look.verdict, hold: look.hold });
  });
}

/** Opens a case, or joins the open one: about the customer where nothing else is found. */
async function tell(
  tx: Tx,
  telling: { ids: Ids; nowMs: number },
  given: {
    payout: PayoutToScreen;
    verdict: Extract<Verdict, { kind: 'held' }>;
    hold: PayoutHold | undefined;
  },
): Promise<void> {
  const { payout, verdict, hold } = given;
  const { merchantId, id: payoutId } = payout;
  const { objections } = verdict;
  const first = objections.find(({ subject }) => subject.type === 'payout') ?? objections[0];
  if (first === undefined) return;
  const version = (hold?.version ?? 0) + 1;
  const found = objections.map(({ key }) => key).sort();
  const digest = createHash('sha256').update(found.join('\n')).digest('hex');
  const { caseId } = await raiseComplianceAlert(tx, telling, {
    ...{ merchantId, source: first.source, rule: 'payout_held', subject: first.subject },
    ...{ severity: graverOf(objections), summary: first.summary },
    facts: { payoutId, found: objections.map(({ facts }) => facts) },
    dedupeKey: `payout-held:${payoutId}:${version}:${digest}`,
  });
  const { released = [], identifiers = [] } = hold ?? {};
  const held = { merchantId, payoutId, found, released, identifiers, caseId, version };
  await writeHold(tx, { ...held, state: 'held' }, telling.nowMs);
}

function graverOf(objections: Extract<Verdict, { kind: 'held' }>['objections']) {
  const all = objections.map(({ severity }) => severity);
  return all.includes('high') ? 'high' : all.includes('medium') ? 'medium' : 'low';
}
