import type { MonitoringRule } from '@quittance/contract';
import { type Currency, currencyDecimals, formatDecimal } from '@quittance/kernel';
import type { Severity } from './config.ts';
import { DAY_MS } from './config.ts';

/** JSON of an alert's facts; amounts are text. */
export type Facts = { readonly [name: string]: string | number | boolean | string[] };

/** What one rule says of one movement, with what it says it from. */
export type Finding = {
  readonly rule: MonitoringRule;
  readonly severity: Severity;
  /** Whose movements these are: of linked parties, the one whose movement made the alert. */
  readonly party: string;
  /** The movement that completed it. */
  readonly movementId: string;
  readonly atMs: number;
  /** One sentence for a person. */
  readonly summary: string;
  readonly facts: Facts;
  /** Every movement that it rests on, oldest first. */
  readonly movementIds: readonly string[];
};

/** What a rule leaves to the engine to fill in. */
export type Reason = Pick<Finding, 'summary' | 'facts' | 'movementIds'>;

export function money(amount: bigint, currency: Currency): string {
  return `${formatDecimal(amount, currencyDecimals(currency))} ${currency}`;
}

/** "2 days", "5 hours": whole ones, as a person would say it. */
export function duration(ms: number): string {
  const days = Math.round(ms / DAY_MS);
  if (days >= 2) return `${days} days`;
  const hours = Math.max(1, Math.round(ms / 3_600_000));
  return hours === 1 ? 'an hour' : `${hours} hours`;
}

export function percentOf(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 1_000n) / whole) / 10;
}

export function isoDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
