import type { LightningStrategy } from '@quittance/contract';
import type { Fate } from './simulate.ts';

/**
 * Looks at what a strategy did, from outside: nothing here asks the strategy's own code. Gives what
 * was wrong, in words.
 */
export function audit(strategy: LightningStrategy, fates: readonly Fate[]): string[] {
  return fates.flatMap((fate) =>
    faultsOf(strategy, fate).map((fault) => `payout ${fate.payout.number}: ${fault}`),
  );
}

/** Failures after which the same invoice can not be paid. */
const FINAL = ['recipient_rejected', 'expired'];

function faultsOf(
  strategy: LightningStrategy,
  { payout, attempts, paid, endedAtMs }: Fate,
): string[] {
  const faults: string[] = [];
  const seconds =
    strategy.kind === 'fast_fail' ? strategy.budgetSeconds : strategy.giveUpAfterSeconds;
  const endMs = payout.createdAtMs + seconds * 1_000;
  const { expiresAtMs } = payout;
  const counted = attempts.filter(({ outcome }) => outcome !== 'insufficient_local_balance');
  if (counted.length > strategy.maxAttempts) faults.push('more attempts than the maximum');
  if (attempts.filter(({ outcome }) => outcome === 'succeeded').length !== (paid ? 1 : 0)) {
    faults.push('paid and succeeded are not the same');
  }
  attempts.forEach(({ startedAtMs, endedAtMs: attemptEndMs, timeoutMs, feeLimitMsat }, i) => {
    const before = attempts[i - 1];
    if (before !== undefined) {
      if (startedAtMs < (before.endedAtMs ?? Infinity)) faults.push('two attempts at once');
      if (before.outcome === 'succeeded') faults.push('an attempt after it was paid');
      if (FINAL.includes(before.outcome)) faults.push(`an attempt after ${before.outcome}`);
    }
    const marginMs = strategy.expiryMarginSeconds * 1_000;
    if (expiresAtMs !== null && startedAtMs + timeoutMs + marginMs > expiresAtMs) {
      faults.push('an attempt that may last beyond the expiry');
    }
    if (startedAtMs + timeoutMs > endMs) faults.push('an attempt that may last beyond the end');
    if ((attemptEndMs ?? Infinity) > startedAtMs + timeoutMs) faults.push('it lasted too long');
    if (feeLimitMsat > BigInt(payout.maxFeeSat) * 1_000n) faults.push('a fee above its limit');
  });
  if (endedAtMs > Math.min(endMs, expiresAtMs ?? Infinity))
    faults.push('money held beyond the end');
  const last = attempts.at(-1)?.endedAtMs ?? payout.createdAtMs;
  if (endedAtMs < last) faults.push('it ended before its last attempt');
  return faults;
}
