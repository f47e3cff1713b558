import type { RiskConfig, RiskOutcome } from '@quittance/contract';
import type { RiskFacts } from '../facts.ts';

export type Reason = RiskOutcome['reasons'][number];

/** One thing to look at. Pure; a reason of no points is as good as none. */
export type Factor = (facts: RiskFacts, config: RiskConfig) => readonly Reason[];

/** A share in millionths as people read it: "12.5 %". Whole numbers only, so it never differs. */
export function percentText(ppm: number): string {
  const tenths = Math.floor(ppm / 1_000);
  return `${Math.floor(tenths / 10)}.${tenths % 10} %`;
}

/** Hundredths as people read them: 345 is "3.45". */
export function hundredthsText(value: number): string {
  const size = Math.abs(value);
  const cents = String(size % 100).padStart(2, '0');
  return `${value < 0 ? '-' : ''}${Math.floor(size / 100)}.${cents}`;
}
