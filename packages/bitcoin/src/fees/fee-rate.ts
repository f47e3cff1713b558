import { assert, divide, formatDecimal, parseDecimal, type Sats } from '@quittance/kernel';

declare const unit: unique symbol;
/** Satoshis per 1,000 virtual bytes, as nodes count them: 1 sat/vB = 1,000 sat/kvB. Never negative. */
export type FeeRate = bigint & { readonly [unit]?: 'sat/kvB' };

/** Decimals of a rate written in sat/vB: sat/kvB is its thousandth. */
const SAT_PER_VB_DECIMALS = 3;

/** Lowest rate that nodes relay unless set otherwise, and the step of a replacement (Bitcoin Core). */
export const MIN_RELAY_FEE_RATE: FeeRate = 1_000n;
/** What bitcoind calls consolidatefeerate, 10 sat/vB: what spending a coin costs some day. */
export const DEFAULT_LONG_TERM_FEE_RATE: FeeRate = 10_000n;

/**
 * The least fee that pays the rate for a size, rounded up as Bitcoin Core does.
 * @param vsize whole virtual bytes
 */
export function feeFor(rate: FeeRate, vsize: number): Sats {
  assert(rate >= 0n, 'feeFor: the rate is negative');
  return divide(rate * BigInt(vsize), 1_000n, 'up');
}

/** The rate that a transaction pays, rounded down, so that it is never shown as more than it is. */
export function feeRateOf(feeSats: Sats, vsize: number): FeeRate {
  assert(vsize > 0, 'feeRateOf: no size');
  return divide(feeSats * 1_000n, BigInt(vsize), 'down');
}

export type ParsedFeeRate = { ok: true; feeRate: FeeRate } | { ok: false; reason: string };

/** Reads a rate as people write it, in sat/vB with up to three decimals: "1.5" → 1500n. */
export function parseFeeRate(satPerVb: string): ParsedFeeRate {
  const parsed = parseDecimal(satPerVb, SAT_PER_VB_DECIMALS);
  return parsed.ok ? { ok: true, feeRate: parsed.value } : parsed;
}

/** Writes a rate in sat/vB with three decimals: 1500n → "1.500". */
export function formatFeeRate(rate: FeeRate): string {
  return formatDecimal(rate, SAT_PER_VB_DECIMALS);
}
