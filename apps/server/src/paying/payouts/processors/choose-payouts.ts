import type { PayoutProcessorSettings } from '@quittance/contract';
import { classifyScript } from '@quittance/bitcoin';
import { formatBtc, type Sats } from '@quittance/kernel';
import { HELD_FOR_MS } from '../hold-waiting.ts';
import type { OnchainPayout, PayoutReason } from '../payout.ts';
import type { Screening } from '../screening.ts';

/** A payout that the processor may not pay now, and until when it leaves it alone. */
export type HeldPayout = {
  readonly payout: OnchainPayout;
  readonly reason: PayoutReason;
  /** A sentence for a person. */
  readonly detail: string;
  readonly notBeforeMs: number | null;
};

export type Choice = {
  readonly take: readonly OnchainPayout[];
  readonly hold: readonly HeldPayout[];
};

/**
 * Which of the approved payouts a processor pays by its own rules, the longest waiting first. Pure.
 * A payout that its rules refuse is set aside for an hour, so that the ones behind it have their
 * turn; what only waits for tomorrow's limit is looked at again with every run.
 * @param world.startedSats what the processor has begun to pay within 24 hours
 * @param world.screenings by payout id; those without one are fine
 */
export function choosePayouts(
  payouts: readonly OnchainPayout[],
  settings: Pick<PayoutProcessorSettings, 'limits' | 'destinations' | 'batchSize'>,
  world: {
    nowMs: number;
    startedSats: Sats;
    screenings: ReadonlyMap<string, Screening>;
  },
): Choice {
  const take: OnchainPayout[] = [];
  const hold: HeldPayout[] = [];
  let started = world.startedSats;
  for (const payout of payouts) {
    if (take.length === settings.batchSize) break;
    const refused = refusal(payout, settings, world.screenings.get(payout.id));
    if (refused !== null) {
      hold.push({ payout, ...refused, notBeforeMs: world.nowMs + HELD_FOR_MS });
      continue;
    }
    const { perDayMaxSats } = settings.limits;
    if (perDayMaxSats !== null && started + payout.amountSats > BigInt(perDayMaxSats)) {
      const detail = `with it more than ${perDayMaxSats} sat would be begun within 24 hours`;
      hold.push({ payout, reason: 'limit_per_day', detail, notBeforeMs: null });
      // First come, first served: a smaller one behind must not use up what this one waits for.
      break;
    }
    started += payout.amountSats;
    take.push(payout);
  }
  return { take, hold };
}

function refusal(
  payout: OnchainPayout,
  { limits, destinations }: Pick<PayoutProcessorSettings, 'limits' | 'destinations'>,
  screening: Screening | undefined,
): { reason: PayoutReason; detail: string } | null {
  const { perPayoutMaxSats } = limits;
  if (perPayoutMaxSats !== null && payout.amountSats > BigInt(perPayoutMaxSats)) {
    const detail = `${formatBtc(payout.amountSats)} BTC is above the limit of ${perPayoutMaxSats} sat`;
    return { reason: 'limit_per_payout', detail };
  }
  const kind = classifyScript(payout.script)?.kind;
  const isKind = destinations.types.some((type) => type === kind);
  if (!isKind) {
    return { reason: 'destination_not_allowed', detail: `addresses of kind ${kind} are not paid` };
  }
  const { destination } = payout;
  if (destinations.deny.includes(destination)) {
    return { reason: 'destination_not_allowed', detail: 'the address is on the deny-list' };
  }
  if (destinations.allow !== null && !destinations.allow.includes(destination)) {
    return { reason: 'destination_not_allowed', detail: 'the address is not on the allow-list' };
  }
  if (screening?.ok === false) return { reason: 'destination_held', detail: screening.reason };
  return null;
}

/**
 * Whether what waits is worth a transaction. With no threshold everything is; with several any one
 * that is reached will do.
 */
export function isThresholdReached(
  { minSats, minCount, maxWaitSeconds }: PayoutProcessorSettings['threshold'],
  waiting: { sats: Sats; count: number; oldestApprovedAtMs: number | null },
  nowMs: number,
): boolean {
  if (minSats === null && minCount === null && maxWaitSeconds === null) return true;
  if (minSats !== null && waiting.sats >= BigInt(minSats)) return true;
  if (minCount !== null && waiting.count >= minCount) return true;
  const { oldestApprovedAtMs } = waiting;
  if (maxWaitSeconds === null || oldestApprovedAtMs === null) return false;
  return nowMs - oldestApprovedAtMs >= maxWaitSeconds * 1_000;
}
