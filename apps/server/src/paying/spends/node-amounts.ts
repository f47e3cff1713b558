import { parseDecimal, SATS_PER_BTC, type Sats } from '@quittance/kernel';

/** Reads an amount or rate in BTC as the node's client gives it; null when it is none. */
export function readSats(value: unknown): Sats | null {
  // The client leaves whole numbers, such as 0 or 1, as numbers.
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value) * SATS_PER_BTC;
  if (typeof value !== 'string') return null;
  const parsed = parseDecimal(value, 8);
  return parsed.ok ? parsed.value : null;
}
