import type { PayoutRequest, SignParams } from '../protocol.ts';
import type { RefusalCode } from '../refusals.ts';
import { startTestSigner } from './process.ts';
import { publicWallet } from '../wallets.ts';
import { approved, type Case, type Cast, coinsOf, honestPayout, toParams } from './cases.ts';
import { ask } from './game.ts';
import type { Random } from './random.ts';
import { approvalsOf, changeOutput } from './requests.ts';

/** A request that follows one that was signed, and how it must be answered (null: signed). */
export type Sequel = { name: string; params: SignParams; code: RefusalCode | null };

/** What may and what may not come after a payout was signed. */
export function replaceWith(good: Case, cast: Cast): Sequel[] {
  const { random } = cast;
  const { wallet, coins, outputs } = good.draft;
  const total = coins.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  const others = coinsOf(cast, wallet, { count: coins.length, total });
  const id = () => `r-${random.uuid()}`;
  const elsewhere: Case = { ...good, requestId: id(), draft: { ...good.draft, coins: others } };
  const more = coinsOf(cast, wallet, { count: 1, total: 2_000n });
  const bumped: Case = {
    ...{ ...good, requestId: id() },
    draft: { ...good.draft, coins: [...coins.slice(0, 1), ...others.slice(1), ...more] },
  };
  const [payout, ...rest] = good.payouts;
  const change = outputs.find((each) => each.place !== undefined);
  if (payout === undefined || change === undefined) throw new Error('a case pays and has change');
  const { approvals: _, ...terms } = payout;
  const raised = approved(cast, wallet, {
    ...terms,
    amountSats: '54321',
    maxFeeShareSats: '0',
    feeFrom: 'sender',
  });
  const changed: Case = {
    ...{ ...good, requestId: id(), payouts: [raised, ...rest] },
    draft: {
      ...good.draft,
      outputs: outputs.map((each) =>
        each.place === undefined && Buffer.from(each.script).toString('hex') === payout.script
          ? { ...each, amountSats: 54_321n }
          : each,
      ),
    },
  };
  const stranger = honestPayout(cast, wallet, BigInt(payout.amountSats));
  const reused = withPayout(good, stranger);
  const back: Case = {
    ...{ ...good, kind: 'cancel', requestId: id() },
    draft: {
      ...good.draft,
      outputs: [changeOutput(wallet, 3, total - good.feeSats)],
    },
  };
  return [
    {
      name: 'payout paid with other coins',
      params: toParams(elsewhere),
      code: 'payout_already_signed',
    },
    { name: 'payout changed', params: toParams(changed), code: 'payout_changed' },
    { name: 'request id for something else', params: toParams(reused), code: 'request_id_reused' },
    { name: 'replacement that spends the first coin', params: toParams(bumped), code: null },
    {
      name: 'payout paid with other coins after its replacement',
      params: toParams({ ...elsewhere, requestId: id() }),
      code: 'payout_already_signed',
    },
    ...droppedCommon(good, cast),
    { name: 'cancelling', params: toParams(back), code: null },
  ];
}

/**
 * First signed with coins A and B, then with A: whoever spends only B now could be mined beside the
 * second transaction.
 */
function droppedCommon(good: Case, cast: Cast): Sequel[] {
  const { coins } = good.draft;
  if (coins.length < 2) return [];
  const [first, ...later] = coins;
  if (first === undefined) return [];
  const replacement = coinsOf(cast, good.draft.wallet, { count: 1, total: first.amountSats });
  const mixed = [...later, ...replacement];
  const requestId = `r-${cast.random.uuid()}`;
  const params = toParams({ ...good, requestId, draft: { ...good.draft, coins: mixed } });
  return [
    {
      name: 'payout paid with a coin that its replacement does not spend',
      params,
      code: 'payout_already_signed',
    },
  ];
}

function withPayout(good: Case, other: PayoutRequest): Case {
  const [payout, ...rest] = good.payouts;
  return {
    ...good,
    payouts: [other, ...rest],
    draft: {
      ...good.draft,
      outputs: good.draft.outputs.map((each) =>
        Buffer.from(each.script).toString('hex') === payout?.script
          ? {
              script: Uint8Array.from(Buffer.from(other.script, 'hex')),
              amountSats: BigInt(other.amountSats),
            }
          : each,
      ),
    },
  };
}

/** Changes random bytes of the PSBT, or a random field of the request. */
export function mutateParams(params: SignParams, random: Random): SignParams {
  const bytes = Buffer.from(params.psbt, 'base64');
  const changes = 1 + random.below(4);
  for (let i = 0; i < changes; i++) {
    const at = random.below(bytes.length);
    if (random.below(2) === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    else bytes[at] = random.below(256);
  }
  const kind = random.below(6);
  const piece = random.below(bytes.length);
  const psbt =
    kind === 0
      ? Buffer.concat([
          bytes.subarray(0, piece),
          Buffer.from(random.bytes(3)),
          bytes.subarray(piece),
        ])
      : kind === 1
        ? Buffer.concat([bytes.subarray(0, piece), bytes.subarray(piece + 1 + random.below(40))])
        : bytes;
  return { ...params, psbt: psbt.toString('base64') };
}

const LIMIT_SATS = 3_000_000n;
const LIMIT_COUNT = 25;
const MAX_PIECES = 200;

/**
 * A signer that may spend little in a day, and a server that asks for as much as it can in pieces,
 * in batches, replacing what was signed, and killing the signer in between.
 * @returns what it got that it should not have
 */
export async function playSplitting(dir: string, cast: Cast): Promise<string[]> {
  const { random, approvers } = cast;
  const signer = await startTestSigner({
    ...{ dir, network: 'regtest' },
    policy: {
      approvers: [{ id: approvers.first.id, publicKey: approvers.first.publicKey }],
      rules: [{ aboveSats: '0', approvals: 1 }],
      windows: [
        { seconds: 3_600, maxSats: String(LIMIT_SATS), maxCount: LIMIT_COUNT },
        { seconds: 86_400, maxSats: String(LIMIT_SATS * 2n), maxCount: LIMIT_COUNT * 2 },
      ],
    },
  });
  const faults: string[] = [];
  const wallet = publicWallet('main', signer.descriptor, 'regtest');
  let [left, paid, fees, refusals] = [0n, 0n, 0n, 0];
  try {
    for (let i = 0; i < MAX_PIECES && refusals < 5; i++) {
      const amounts = Array.from({ length: 1 + random.below(3) }, () =>
        random.sats(1_000n, 300_000n),
      );
      const payouts = amounts.map((amount) =>
        approvedSimply(cast, honestPayout(cast, wallet, amount), wallet.name),
      );
      const asked = amounts.reduce((sum, each) => sum + each, 0n);
      const fee = random.sats(300n, 900n);
      const coins = coinsOf(cast, wallet, { count: 1, total: asked + fee + 5_000n });
      const draft = {
        ...{ wallet, coins, version: 2, locktime: 0, sequence: 0xffff_fffd },
        outputs: [
          ...payouts.map((each) => ({
            script: Uint8Array.from(Buffer.from(each.script, 'hex')),
            amountSats: BigInt(each.amountSats),
          })),
          changeOutput(wallet, 0, 5_000n),
        ],
      };
      const params = toParams({
        ...{ kind: 'payouts', requestId: `r-${random.uuid()}`, draft, payouts, feeSats: fee },
      });
      const outcome = await ask(signer.client, params);
      if (outcome.kind === 'signed') {
        [paid, fees] = [paid + asked, fees + fee];
        left += BigInt(payouts.length);
      } else if (outcome.kind === 'refused') {
        refusals += 1;
        const isLimit = ['window_amount', 'window_count'].includes(outcome.code);
        if (!isLimit) faults.push(`refused as ${outcome.code}: ${outcome.reason}`);
      } else faults.push('no answer');
      if (i % 7 === 6) {
        await signer.kill();
        await signer.restart();
      }
    }
    if (paid + fees > LIMIT_SATS) faults.push(`${paid + fees} sat left, ${LIMIT_SATS} may`);
    if (left > BigInt(LIMIT_COUNT)) faults.push(`${left} payouts, ${LIMIT_COUNT} may be`);
    if (refusals === 0) faults.push('the limit was never reached');
    const [hour] = (await signer.client.describe()).windows;
    if (hour?.leftSats !== String(LIMIT_SATS - paid - fees)) faults.push('it tells another rest');
  } finally {
    await signer.stop();
  }
  return faults;
}

/** Sender pays, one approval: what the small policy asks for. */
function approvedSimply(cast: Cast, payout: PayoutRequest, wallet: string): PayoutRequest {
  const { payoutId, script, amountSats } = payout;
  const terms = { payoutId, script, amountSats, feeFrom: 'sender' as const, maxFeeShareSats: '0' };
  const expiresAtMs = cast.nowMs() + 600_000;
  const approvers = [cast.approvers.first];
  return { ...terms, approvals: approvalsOf(terms, { wallet, approvers, expiresAtMs }) };
}
