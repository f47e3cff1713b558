import { writeBbqr } from '@quittance/bitcoin';
import type { QrDensity } from '@quittance/contract';
import QRCode from 'qrcode';

/**
 * How much one code holds: its version (size) and the characters of the alphanumeric mode at level
 * L (ISO/IEC 18004, table 7). A screen loses nothing, so the lowest level of correction is enough.
 */
const CODES: Readonly<Record<QrDensity, { version: number; characters: number }>> = {
  // 57 × 57 modules, for the small cameras of signing devices.
  low: { version: 10, characters: 395 },
  medium: { version: 18, characters: 1_046 },
  // 125 × 125 modules, which BBQr recommends for good cameras.
  high: { version: 27, characters: 2_132 },
};
/** Drawing takes the process some milliseconds each; who scans more than this takes the file. */
export const MAX_DRAWN_CODES = 60;

/** The texts of the codes of an animated QR code; null when it would need too many. */
export function qrTexts(psbt: Uint8Array, density: QrDensity): string[] | null {
  return writeBbqr(psbt, CODES[density].characters);
}

/** Each text as an SVG picture; all have the same size, so that the animation stands still. */
export async function drawQrCodes(texts: readonly string[], density: QrDensity): Promise<string[]> {
  const { version } = CODES[density];
  const drawn: string[] = [];
  for (const data of texts) {
    const segments = [{ data, mode: 'alphanumeric' }] as const;
    drawn.push(
      await QRCode.toString([...segments], { type: 'svg', version, errorCorrectionLevel: 'L' }),
    );
  }
  return drawn;
}
