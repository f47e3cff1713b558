import fc from 'fast-check';
import { create } from 'qrcode';
import { expect, test } from 'vitest';
import { compactLink, drawQr } from './qr.ts';

const SEGWIT = 'bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.00041235&label=Ab';

test('a segwit address goes in capitals, a Base58 address and the rest stay as they are', () => {
  expect(compactLink(SEGWIT)).toBe(
    'bitcoin:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4?amount=0.00041235&label=Ab',
  );
  const base58 = 'bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?amount=0.5';
  expect(compactLink(base58)).toBe(base58);
});

test('the link means the same in capitals', () => {
  fc.assert(
    fc.property(fc.string(), (tail) => {
      const link = `${SEGWIT}${tail}`;
      expect(compactLink(link).toLowerCase()).toBe(link.toLowerCase());
    }),
  );
});

test('capitals never make the code larger, and for some lengths of the label smaller', () => {
  const versionOf = (text: string) => create(text, { errorCorrectionLevel: 'M' }).version;
  let smaller = 0;
  for (let length = 0; length < 60; length++) {
    const link = SEGWIT + 'x'.repeat(length);
    const [capitals, plain] = [versionOf(compactLink(link)), versionOf(link)];
    expect(capitals).toBeLessThanOrEqual(plain);
    if (capitals < plain) smaller++;
  }
  expect(smaller).toBeGreaterThan(10);
});

test('the picture has exactly the dark modules of the code, inside a quiet zone of four', () => {
  const { path, side, level } = drawQr(SEGWIT);
  const { modules } = create(compactLink(SEGWIT), { errorCorrectionLevel: level });
  expect(side).toBe(modules.size + 8);
  const drawn = new Set<string>();
  for (const [, x = '', y = '', run = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let i = 0; i < Number(run); i++) drawn.add(`${Number(x) + i},${y}`);
  }
  let dark = 0;
  for (let y = 0; y < modules.size; y++) {
    for (let x = 0; x < modules.size; x++) {
      if (modules.get(y, x) === 0) continue;
      dark++;
      expect(drawn).toContain(`${x + 4},${y + 4}`);
    }
  }
  expect(drawn.size).toBe(dark);
});

test('error correction is as high as fits: M at least for usual links, L for very long ones', () => {
  expect(['M', 'Q', 'H']).toContain(drawQr(SEGWIT).level);
  const withInvoice = `${SEGWIT}&lightning=${'lnbc1'.padEnd(400, 'q7x')}`;
  const { level, side } = drawQr(withInvoice);
  expect(side).toBeLessThanOrEqual(
    create(compactLink(withInvoice), { errorCorrectionLevel: 'L' }).modules.size + 8,
  );
  expect(['L', 'M']).toContain(level);
});

test('the longest description and name that an order can have still give a code with the amount', () => {
  const name = encodeURIComponent('店'.repeat(200));
  const link = SEGWIT.replace('label=Ab', `label=${name}`);
  const withMessage = `${link}&message=${encodeURIComponent('茶'.repeat(500))}`;
  const plain = SEGWIT.replace('&label=Ab', '');
  expect(drawQr(withMessage)).toEqual(drawQr(plain));
  expect(drawQr(`${SEGWIT}&message=${encodeURIComponent('茶'.repeat(500))}`)).toEqual(
    drawQr(SEGWIT),
  );
  expect(drawQr(`${SEGWIT}&message=tea`)).not.toEqual(drawQr(SEGWIT));
});

test('an invoice goes in capitals, alone and in a unified link, and makes who is paid superfluous', () => {
  const invoice = `lnbcrt1${'q7x'.repeat(90)}`;
  const unified = `${SEGWIT}&lightning=${invoice}&message=Two%20coffees`;
  expect(compactLink(unified)).toContain(`&lightning=${invoice.toUpperCase()}&message=`);
  expect(compactLink(`lightning:${invoice}`)).toBe(`LIGHTNING:${invoice.toUpperCase()}`);
  const bare = `${SEGWIT.replace('&label=Ab', '')}&lightning=${invoice}`;
  expect(drawQr(unified)).toEqual(drawQr(bare));
});
