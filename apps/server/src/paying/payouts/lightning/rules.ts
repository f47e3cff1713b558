import { decodeBolt11 } from '@quittance/bitcoin';
import type { LightningProcessorSettings } from '@quittance/contract';
import type { Tx } from '../../../platform/db/index.ts';
import { DAY_MS } from '../approve-payout.ts';
import { HELD_FOR_MS } from '../hold-waiting.ts';
import { coveringSats, type LightningPayout, type PayoutReason } from '../payout.ts';
import { sumStartedSince } from '../sums-store.ts';
import type { LightningPayoutDeps } from './deps.ts';
import { countUnderWay } from './due-store.ts';
import type { Payer } from './pay-payout.ts';
import { lockLightningPayer } from './processor-store.ts';

/** Why a processor does not pay a payout now. A reason of null: it only has to wait its turn. */
export type PayerRefusal = {
  readonly reason: PayoutReason | null;
  readonly detail: string;
  readonly notBeforeMs: number | null;
};

/** What waits for the day's limit is looked at again after this. */
const LIMIT_PAUSE_MS = 60_000;

/**
 * Whether the processor may begin a payout now, reckoned under its lock: limits and concurrency hold
 * however many workers there are. What a person wants paid is not held back by rules, but by
 * screening.
 */
export async function refusalOfPayer(
  tx: Tx,
  deps: Pick<LightningPayoutDeps, 'screen'>,
  given: { payout: LightningPayout; payer: Payer; nowMs: number; invoice: string | null },
): Promise<PayerRefusal | null> {
  const { payout, payer, nowMs } = given;
  const held = await refusalByScreening(tx, deps, given);
  if (held !== null) return held;
  const { merchantId } = payout;
  const { processorId } = payer;
  if (processorId === null) return null;
  const processor = await lockLightningPayer(tx, { merchantId, id: processorId });
  if (processor === undefined || processor.settings.paused) {
    return { reason: null, detail: 'the processor is paused', notBeforeMs: null };
  }
  const { settings } = processor;
  const byRule = refusalByRules(payout, settings, nowMs);
  if (byRule !== null) return byRule;
  const underWay = await countUnderWay(tx, { merchantId, processorId });
  if (underWay >= settings.concurrency) {
    return { reason: null, detail: 'as many as allowed are under way', notBeforeMs: null };
  }
  const { perDayMaxSats } = settings.limits;
  if (perDayMaxSats === null) return null;
  const sinceMs = nowMs - DAY_MS;
  const started = await sumStartedSince(tx, { merchantId, processorId, sinceMs });
  if (started + coveringSats(payout.amountMsat) <= BigInt(perDayMaxSats)) return null;
  const detail = `with it more than ${perDayMaxSats} sat would be begun within 24 hours`;
  return { reason: 'limit_per_day', detail, notBeforeMs: nowMs + LIMIT_PAUSE_MS };
}

/** @param given.invoice what the destination gave for this attempt, where it was asked by now */
export async function refusalByScreening(
  tx: Tx,
  deps: Pick<LightningPayoutDeps, 'screen'>,
  given: { payout: LightningPayout; nowMs: number; invoice: string | null },
): Promise<PayerRefusal | null> {
  const { payout, nowMs, invoice } = given;
  const known = invoice === null ? {} : { invoices: new Map([[payout.id as string, invoice]]) };
  const screening = (await deps.screen?.(tx, [payout], known))?.get(payout.id);
  if (screening?.ok !== false) return null;
  const notBeforeMs = nowMs + HELD_FOR_MS;
  return { reason: 'destination_held', detail: screening.reason, notBeforeMs };
}

/** What its settings say about one payout by itself. Pure. */
export function refusalByRules(
  payout: Pick<LightningPayout, 'amountMsat' | 'destination' | 'destinationKind'>,
  { limits, destinations }: Pick<LightningProcessorSettings, 'limits' | 'destinations'>,
  nowMs: number,
): PayerRefusal | null {
  const notBeforeMs = nowMs + HELD_FOR_MS;
  const { perPayoutMaxSats } = limits;
  const sats = coveringSats(payout.amountMsat);
  if (perPayoutMaxSats !== null && sats > BigInt(perPayoutMaxSats)) {
    const detail = `${sats} sat is above the limit of ${perPayoutMaxSats} sat`;
    return { reason: 'limit_per_payout', detail, notBeforeMs };
  }
  const { destination, destinationKind } = payout;
  const refuse = (detail: string): PayerRefusal => ({
    reason: 'destination_not_allowed',
    detail,
    notBeforeMs,
  });
  if (!destinations.kinds.includes(destinationKind)) {
    return refuse(`destinations of the kind ${destinationKind} are not paid`);
  }
  const names = namesOf(destination);
  if (destinations.deny.some((each) => names.has(each.toLowerCase()))) {
    return refuse('the destination is on the deny-list');
  }
  const { allow } = destinations;
  if (allow !== null && !allow.some((each) => names.has(each.toLowerCase()))) {
    return refuse('the destination is not on the allow-list');
  }
  return null;
}

/** What a destination may be listed under: itself, the domain of an address, the node of an invoice. */
function namesOf(destination: string): ReadonlySet<string> {
  const text = destination.toLowerCase();
  const names = [text];
  const domain = text.split('@')[1];
  if (domain !== undefined) names.push(domain);
  const payee = payeeOf(text);
  if (payee !== null) names.push(payee);
  return new Set(names);
}

function payeeOf(text: string): string | null {
  const read = decodeBolt11(text);
  return read.ok ? read.invoice.payee : null;
}
