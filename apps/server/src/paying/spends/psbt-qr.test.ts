import { expect, test } from 'vitest';
import { drawQrCodes, qrTexts } from './psbt-qr.ts';

/** ISO/IEC 18004, table 7: level L, alphanumeric. */
const HOLDS = { low: 395, medium: 1_046, high: 2_132 } as const;

test('each density fills the code that it names, and no more', async () => {
  for (const density of ['low', 'medium', 'high'] as const) {
    const full = '$'.repeat(HOLDS[density]);
    const [svg] = await drawQrCodes([full], density);
    expect(svg).toContain('</svg>');
    await expect(drawQrCodes([`${full}$`], density)).rejects.toThrow();
    const parts =
      qrTexts(
        new Uint8Array(8_000).map((_, at) => (at * at * 31) >> 3),
        density,
      ) ?? [];
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(HOLDS[density]);
  }
});
