import { deflateRawSync } from 'node:zlib';
import { base32nopad } from '@scure/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../testing/seeded.ts';
import { MAX_BBQR_PARTS, readBbqr, writeBbqr } from './bbqr.ts';
import { MAX_PSBT_BYTES } from './psbt-format.ts';

/** What QR codes can hold in their alphanumeric mode (ISO/IEC 18004, table 5). */
const ALPHANUMERIC = /^[0-9A-Z $%*+./:-]+$/;

function noise(bytes: number): Uint8Array {
  const target = new Uint8Array(bytes);
  seededRandom(7)(target);
  return target;
}

function written(psbt: Uint8Array, characters = 100): string[] {
  const parts = writeBbqr(psbt, characters);
  if (parts === null) throw new Error('too many parts');
  return parts;
}

test('what is split comes together again, in any order and with parts seen twice', () => {
  const some = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 900 }),
    // Much that repeats is compressed.
    fc
      .uint8Array({ minLength: 1, maxLength: 20 })
      .map((bytes) => Buffer.concat(Array(30).fill(bytes))),
  );
  fc.assert(
    fc.property(
      some,
      fc.integer({ min: 24, max: 4_296 }),
      fc.infiniteStream(fc.nat()),
      (bytes, max, dice) => {
        const parts = written(bytes, max);
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(max);
          expect(part).toMatch(ALPHANUMERIC);
          expect(part.slice(0, 6)).toBe(parts[0]?.slice(0, 6));
        }
        // All but the last are equally long and whole bytes.
        const lengths = new Set(parts.slice(0, -1).map((part) => part.length));
        expect(lengths.size).toBeLessThanOrEqual(1);
        for (const length of lengths) expect((length - 8) % 8).toBe(0);
        const seen = [...parts, ...parts].sort(() => ((dice.next().value ?? 0) % 2) - 0.5);
        const read = readBbqr(seen);
        expect(read).toEqual({ ok: true, psbt: new Uint8Array(bytes) });
      },
    ),
  );
});

test('all three encodings of the format are read, also in small letters and with spaces around', () => {
  const bytes = new TextEncoder().encode('psbt');
  const squeezed = deflateRawSync(bytes, { windowBits: 10 });
  for (const text of [
    'B$HP010070736274',
    `B$2P0100${base32nopad.encode(bytes)}`,
    `B$ZP0100${base32nopad.encode(squeezed)}`,
    ' b$hp010070736274\n',
  ]) {
    expect(readBbqr([text]), text).toEqual({ ok: true, psbt: bytes });
  }
  // As in the example of the specification: unequal only at the end.
  expect(readBbqr(['B$HP0301BBBB', 'B$HP0302CC', 'B$HP0300AAAA'])).toEqual({
    ok: true,
    psbt: Uint8Array.of(0xaa, 0xaa, 0xbb, 0xbb, 0xcc),
  });
});

test('parts that are missing are named', () => {
  const parts = written(noise(400));
  expect(parts.length).toBeGreaterThan(4);
  const left = parts.filter((_, index) => index !== 1 && index !== 3);
  expect(readBbqr(left)).toEqual({
    ok: false,
    code: 'missing',
    reason: `of ${parts.length} parts these are missing: 2, 4`,
  });
  expect(readBbqr([])).toMatchObject({ code: 'missing' });
});

test('parts of another code, or two contents of one part, are refused', () => {
  const parts = written(noise(400));
  const other = written(noise(900));
  expect(readBbqr([...parts.slice(1), other[0] ?? ''])).toMatchObject({ code: 'mixed' });
  const twin = `${parts[0]?.slice(0, -1)}${parts[0]?.endsWith('A') ? 'B' : 'A'}`;
  expect(readBbqr([...parts, twin])).toMatchObject({ code: 'mixed' });
  expect(readBbqr(['B$HP0300AAAA', 'B$HP0301BB', 'B$HP0302CC'])).toMatchObject({ code: 'damaged' });
});

test('what is no PSBT is refused with what it is', () => {
  for (const garbage of [
    '',
    'hello',
    'B$',
    'B$HP0000AA',
    'B$HP0101AA',
    'B$XP0100AA',
    'UR:CRYPTO-PSBT/1-2/AA',
  ]) {
    expect(readBbqr([garbage]), garbage).toMatchObject({ code: 'not_bbqr' });
  }
  expect(readBbqr(['B$HT0100AA'])).toMatchObject({ code: 'other_file' });
  for (const broken of ['B$HP0100A', 'B$HP0100XY', 'B$2P01001', 'B$ZP0100MFRGG']) {
    expect(readBbqr([broken]), broken).toMatchObject({ code: 'damaged' });
  }
});

test('a few bytes that unpack to more than any PSBT are refused, not unpacked', () => {
  const bomb = deflateRawSync(new Uint8Array(MAX_PSBT_BYTES + 1), { windowBits: 10 });
  const letters = base32nopad.encode(bomb);
  const parts = letters.match(/.{1,4288}/g) ?? [];
  const digits = (value: number) => value.toString(36).toUpperCase().padStart(2, '0');
  const texts = parts.map((part, at) => `B$ZP${digits(parts.length)}${digits(at)}${part}`);
  const read = readBbqr(texts);
  // Without the bytes, which are too many to be shown.
  expect(read.ok ? 'unpacked' : read.code).toBe('too_large');
});

test('a file that would need more parts than can be numbered is not split', () => {
  const perPart = 5 * 10;
  expect(written(noise(perPart * MAX_BBQR_PARTS), 88)).toHaveLength(MAX_BBQR_PARTS);
  expect(writeBbqr(noise(perPart * MAX_BBQR_PARTS + 1), 88)).toBeNull();
});
