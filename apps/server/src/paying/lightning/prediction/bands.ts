import type { Msats } from '@quittance/kernel';

/** Amounts within a factor of four are taken for alike. 4^13 sat is above any channel of today. */
export const AMOUNT_BANDS = 14;
/** Ends of the bands of time since a failure; the last is open. */
const ELAPSED_ENDS_MS = [5, 30, 90, 180, 420, 900, 1_800, 3_600, 7_200, 21_600, 86_400].map(
  (seconds) => seconds * 1_000,
);
export const ELAPSED_BANDS = ELAPSED_ENDS_MS.length + 1;

/** 0: below 4 sat; 1: below 16; each band is four times as wide as the one before. */
export function amountBand(amountMsat: Msats): number {
  let band = 0;
  let rest = amountMsat / 4_000n;
  while (rest > 0n && band < AMOUNT_BANDS - 1) {
    rest /= 4n;
    band += 1;
  }
  return band;
}

export function elapsedBand(elapsedMs: number): number {
  const band = ELAPSED_ENDS_MS.findIndex((endMs) => elapsedMs < endMs);
  return band === -1 ? ELAPSED_ENDS_MS.length : band;
}

/** When a band of time begins: the shortest wait that reaches it. */
export function elapsedBandStartMs(band: number): number {
  return band === 0 ? 0 : (ELAPSED_ENDS_MS[band - 1] ?? 0);
}
