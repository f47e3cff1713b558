import type { Approver } from '../approval.ts';
import type { PolicyFile } from '../policy/policy.ts';
import type { PayoutRequest, PayoutTerms, SignKind, SignParams } from '../protocol.ts';
import { toHex } from '@quittance/kernel';
import type { Wallet } from '../wallets.ts';
import type { Random } from './random.ts';
import {
  approvalsOf,
  changeOutput,
  type Coin,
  type Draft,
  makeCoin,
  p2wpkh,
  type PlannedOutput,
  psbtOf,
} from './requests.ts';

/** Who takes part in the game between a server and its signer. */
export type Cast = {
  random: Random;
  /** Wallets of the signer, without their private keys. */
  wallets: readonly Wallet[];
  /** Wallets of somebody else, of the same types. */
  strangers: readonly Wallet[];
  /** Everything; everything; amounts up to {@link SMALL_SATS} only. */
  approvers: { first: Approver; second: Approver; small: Approver };
  /** A key that is in no policy. */
  stranger: Approver;
  nowMs: () => number;
  /** Counts up, so that nothing made up is made up twice. */
  salt: () => number;
};

export const SMALL_SATS = 50_000n;
export const FOUR_EYES_SATS = 2_000_000n;
export const LARGEST_SATS = 5_000_000n;
export const DENIED_SCRIPT = toHex(p2wpkh(666));
export const MAX_INPUTS = 12;
export const MAX_OUTPUTS = 14;

/** The policy that the games are played under. */
export function policyOfGame(approvers: Cast['approvers']): PolicyFile {
  const { first, second, small } = approvers;
  return {
    approvers: [
      { id: first.id, publicKey: first.publicKey },
      { id: second.id, publicKey: second.publicKey },
      { id: small.id, publicKey: small.publicKey, maxSatsPerPayout: String(SMALL_SATS) },
    ],
    rules: [
      { aboveSats: '0', approvals: 1 },
      { aboveSats: String(FOUR_EYES_SATS), approvals: 2 },
    ],
    maxFeeRateSatPerVb: 100,
    maxFeeSats: '150000',
    maxFeeShareBps: 2_000,
    perPayoutMaxSats: String(LARGEST_SATS),
    windows: [{ seconds: 86_400, maxSats: '2100000000000000', maxCount: 1_000_000_000 }],
    allow: null,
    deny: [DENIED_SCRIPT],
    maxInputs: MAX_INPUTS,
    maxOutputs: MAX_OUTPUTS,
  };
}

/** A request in parts: an attack changes some and leaves the rest as an honest server has it. */
export type Case = {
  kind: SignKind;
  requestId: string;
  draft: Draft;
  /** Terms with approvals; made from `terms` when left as they are. */
  payouts: PayoutRequest[];
  feeSats: bigint;
};

const DEST_AMOUNTS = { from: 60_000n, to: 1_500_000n };
/** Honest fee: well below every ceiling of the policy for a transaction of these sizes. */
const FEE_RATE = 5n;

/** An honest request that must be signed. */
export function honestCase(cast: Cast, wallet: Wallet): Case {
  const { random } = cast;
  const payouts = Array.from({ length: 1 + random.below(4) }, () => honestPayout(cast, wallet));
  const coinCount = 1 + random.below(4);
  const feeSats = FEE_RATE * BigInt(30 + 110 * coinCount + 45 * (payouts.length + 1));
  const asked = payouts.reduce((sum, { amountSats }) => sum + BigInt(amountSats), 0n);
  const outputs: PlannedOutput[] = payouts.map(({ script, amountSats, maxFeeShareSats }) => ({
    script: Uint8Array.from(Buffer.from(script, 'hex')),
    // Those who bear the fee bear at most what is allowed, and together less than the fee.
    amountSats: BigInt(amountSats) - minimum(BigInt(maxFeeShareSats), feeSats / 8n),
  }));
  const change = random.sats(10_000n, 900_000n);
  const paid = outputs.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  const coins = coinsOf(cast, wallet, { count: coinCount, total: paid + change + feeSats });
  outputs.splice(random.below(outputs.length + 1), 0, {
    ...changeOutput(wallet, random.below(900), change),
  });
  if (asked < paid) throw new Error('an honest case pays what was asked at most');
  return {
    ...{ kind: 'payouts', requestId: `r-${random.uuid()}`, payouts, feeSats },
    draft: {
      ...{ wallet, coins, outputs, locktime: random.below(900_000) },
      version: random.pick([2, 3]),
      sequence: random.pick([0xffff_fffd, 0xffff_fffe]),
    },
  };
}

/** An honest transaction that returns everything. */
export function honestReturn(
  cast: Cast,
  wallet: Wallet,
  kind: 'consolidation' | 'bump-child',
): Case {
  const { random } = cast;
  const count = 1 + random.below(5);
  const feeSats = FEE_RATE * BigInt(100 + 110 * count);
  const amount = random.sats(50_000n, 900_000n);
  const coins = coinsOf(cast, wallet, { count, total: amount + feeSats });
  const outputs = [changeOutput(wallet, random.below(900), amount)];
  return {
    ...{ kind, requestId: `r-${random.uuid()}`, payouts: [], feeSats },
    draft: { wallet, coins, outputs, version: 2, locktime: 0, sequence: 0xffff_fffd },
  };
}

export function honestPayout(cast: Cast, wallet: Wallet, amount?: bigint): PayoutRequest {
  const { random } = cast;
  const amountSats = amount ?? random.sats(DEST_AMOUNTS.from, DEST_AMOUNTS.to);
  const bearsFee = random.below(3) === 0;
  const terms: PayoutTerms = {
    payoutId: random.uuid(),
    script: toHex(p2wpkh(cast.salt())),
    amountSats: String(amountSats),
    feeFrom: bearsFee ? 'recipient' : 'sender',
    maxFeeShareSats: bearsFee ? String(random.sats(1n, 2_000n)) : '0',
  };
  return approved(cast, wallet, terms);
}

/** Approved by as many as the policy asks for. */
export function approved(cast: Cast, wallet: Wallet, terms: PayoutTerms): PayoutRequest {
  const { first, second } = cast.approvers;
  const needsTwo = BigInt(terms.amountSats) > FOUR_EYES_SATS;
  const both = cast.random.below(2) === 0 ? [first, second] : [second, first];
  const approvers = needsTwo ? both : both.slice(0, 1);
  return approvedBy(cast, wallet, terms, approvers);
}

export function approvedBy(
  cast: Cast,
  wallet: Wallet,
  terms: PayoutTerms,
  approvers: readonly Approver[],
): PayoutRequest {
  const expiresAtMs = cast.nowMs() + 600_000;
  const options = { wallet: wallet.name, approvers, expiresAtMs };
  return { ...terms, approvals: approvalsOf(terms, options) };
}

export function coinsOf(
  cast: Cast,
  wallet: Wallet,
  { count, total }: { count: number; total: bigint },
): Coin[] {
  const share = total / BigInt(count);
  return Array.from({ length: count }, (_, i) =>
    makeCoin(wallet, {
      branch: cast.random.below(2),
      index: cast.random.below(2_000),
      amountSats: i === 0 ? total - share * BigInt(count - 1) : share,
      salt: cast.salt(),
    }),
  );
}

export function toParams({ kind, requestId, draft, payouts }: Case): SignParams {
  return { requestId, wallet: draft.wallet.name, kind, psbt: psbtOf(draft), payouts };
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
