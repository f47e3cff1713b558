import { MAX_SATS, type Sats } from '@quittance/kernel';
import type { Network, Transaction } from '@quittance/bitcoin';
import type { Policy } from '../policy/policy.ts';
import { signatureWeight } from '../psbt/scripts.ts';
import { Refusal } from '../refusals.ts';
import type { Wallet } from '../wallets.ts';
import type { VerifiedInput } from './inputs.ts';
import type { VerifiedOutput } from './outputs.ts';
import type { SignRequest } from './request.ts';

/** Sequences that mean "final", "lock time counts" and "replaceable" (BIP125), nothing else. */
const MIN_SEQUENCE = 0xffff_fffd;
/** From here on a lock time is a time, below a height. */
const LOCKTIME_THRESHOLD = 500_000_000;
/** A lock by time may lie so far ahead, for clocks that differ. */
const MAX_LOCK_AHEAD_SECONDS = 2 * 3_600;
/** Version 3 is for packages of two (BIP431). */
const VERSIONS: ReadonlySet<number> = new Set([2, 3]);

/** First block of mainnet, in seconds, and a bound for how fast blocks have come: ten per cent. */
const MAINNET_START_SECONDS = 1_231_006_505;
const FASTEST_BLOCK_SECONDS = 540;

/**
 * Form of the transaction, before anything expensive.
 * @throws {Refusal}
 */
export function checkForm(
  transaction: Transaction,
  { policy, network, nowMs }: { policy: Policy; network: Network; nowMs: number },
): void {
  const { inputs, outputs, version, locktime } = transaction;
  if (inputs.length > policy.maxInputs) {
    throw new Refusal('too_many_inputs', `at most ${policy.maxInputs} inputs are signed at once`);
  }
  if (outputs.length > policy.maxOutputs) {
    throw new Refusal(
      'too_many_outputs',
      `at most ${policy.maxOutputs} outputs are signed at once`,
    );
  }
  if (!VERSIONS.has(version)) {
    throw new Refusal('transaction_version', `version ${version} is not used; 2 and 3 are`);
  }
  if (inputs.some(({ sequence }) => sequence < MIN_SEQUENCE)) {
    throw new Refusal('locktime_too_far', 'an input has a relative lock (BIP68); none is used');
  }
  const nowSeconds = nowMs / 1_000;
  const furthest =
    locktime >= LOCKTIME_THRESHOLD
      ? nowSeconds + MAX_LOCK_AHEAD_SECONDS
      : network === 'mainnet'
        ? (nowSeconds - MAINNET_START_SECONDS) / FASTEST_BLOCK_SECONDS
        : LOCKTIME_THRESHOLD;
  if (locktime > furthest) {
    throw new Refusal('locktime_too_far', 'the transaction could not be mined for a long time');
  }
}

/** What a transaction costs, from verified amounts. */
export type Cost = { feeSats: Sats; vsize: number };

/** @throws {Refusal} fee_negative */
export function costOf(
  { inputs, outputs }: { inputs: readonly VerifiedInput[]; outputs: readonly VerifiedOutput[] },
  { wallet, unsignedBytes }: { wallet: Wallet; unsignedBytes: number },
): Cost {
  const spent = inputs.reduce((sum, each) => sum + each.amountSats, 0n);
  const paid = outputs.reduce((sum, each) => sum + each.amountSats, 0n);
  if (spent > MAX_SATS) throw new Refusal('input_amount_wrong', 'more than all bitcoin is spent');
  if (paid > spent) throw new Refusal('fee_negative', 'the outputs exceed the inputs');
  const weight = 4 * unsignedBytes + 2 + inputs.length * signatureWeight(wallet);
  return { feeSats: spent - paid, vsize: Math.ceil(weight / 4) };
}

/**
 * The fee within every ceiling.
 * @throws {Refusal}
 */
export function checkFee(
  { feeSats, vsize }: Cost,
  { outputs, request, policy }: Paying & { policy: Policy },
): void {
  if (feeSats > policy.maxFeeSats) {
    throw new Refusal('fee_too_high', `the fee of ${feeSats} sat exceeds ${policy.maxFeeSats}`);
  }
  if (feeSats > BigInt(policy.maxFeeRateSatPerVb) * BigInt(vsize)) {
    throw new Refusal(
      'fee_rate_too_high',
      `${feeSats} sat for ${vsize} vB exceed ${policy.maxFeeRateSatPerVb} sat/vB`,
    );
  }
  if (request.kind === 'payouts') checkShares({ outputs, request, feeSats }, policy);
}

type Paying = { outputs: readonly VerifiedOutput[]; request: SignRequest };

function checkShares(
  { outputs, request, feeSats }: Paying & { feeSats: bigint },
  policy: Policy,
): void {
  const asked = request.payouts.reduce((sum, each) => sum + each.amount, 0n);
  const paid = outputs.reduce(
    (sum, each) => (each.role === 'payout' ? sum + each.amountSats : sum),
    0n,
  );
  if (asked - paid > feeSats) {
    throw new Refusal(
      'fee_share_too_high',
      `recipients are to bear ${asked - paid} sat of a fee of ${feeSats}`,
    );
  }
  if (feeSats * 10_000n > asked * BigInt(policy.maxFeeShareBps)) {
    throw new Refusal(
      'fee_share_of_amount_too_high',
      `a fee of ${feeSats} sat is too much for paying ${asked}`,
    );
  }
}

/** What has been signed within a window, and what this adds. @throws {Refusal} */
export function checkWindows(
  { windows }: Policy,
  usage: (seconds: number) => { sats: bigint; count: number },
  added: { sats: bigint; count: number },
): void {
  for (const { seconds, maxSats, maxCount } of windows) {
    const used = usage(seconds);
    if (used.sats + added.sats > maxSats) {
      throw new Refusal(
        'window_amount',
        `${added.sats} sat more in ${seconds} s: ${maxSats - used.sats} of ${maxSats} are left`,
      );
    }
    if (used.count + added.count > maxCount) {
      throw new Refusal(
        'window_count',
        `${added.count} payouts more in ${seconds} s: ${maxCount - used.count} are left`,
      );
    }
  }
}
