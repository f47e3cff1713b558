import { cmac } from '@noble/ciphers/aes.js';
import { fromHex, toHex } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cardKey, cardKeys, cardNumber } from './card-keys.ts';
import {
  decryptPiccData,
  isSunMac,
  MAX_COUNTER,
  type PiccData,
  readSunMessage,
  sunMac,
  writeSunMessage,
} from './ntag424.ts';

const ZERO_KEY = new Uint8Array(16);

test('AES-CMAC gives the codes of RFC 4493, section 4', () => {
  const key = fromHex('2b7e151628aed2a6abf7158809cf4f3c');
  const message = fromHex(
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
      '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  );
  const codes = {
    0: 'bb1d6929e95937287fa37d129b756746',
    16: '070a16b46b4d4144f79bdd9dd04a287c',
    40: 'dfa66747de9ae63030ca32611497c827',
    64: '51f0bebf7e3b9d92fc49741779363cfe',
  };
  for (const [length, code] of Object.entries(codes)) {
    expect(toHex(cmac(message.subarray(0, Number(length)), key))).toBe(code);
  }
});

test('NXP AN12196: the example of the application note is deciphered and its code is right', () => {
  const message = readSunMessage({
    p: 'EF963FF7828658A599F3041510671E88',
    c: '94EED9EE65337086',
  });
  const data = message && decryptPiccData(message.p, ZERO_KEY);
  expect(data).toEqual({ uid: fromHex('04de5f1eacc040'), counter: 0x3d });
  expect(message && data && isSunMac(message.c, data, ZERO_KEY)).toBe(true);
});

const boltcardVectors = [
  ['4E2E289D945A66BB13377A728884E867', 'E19CCB1FED8892CE', 3],
  ['00F48C4F8E386DED06BCDC78FA92E2FE', '66B4826EA4C155B4', 5],
  ['0DBF3C59B59B0638D60B5842A997D4D1', 'CC61660C020B4D96', 7],
] as const;

test.each(boltcardVectors)('Boltcard TEST_VECTORS: %s is genuine, reading %i', (p, c, counter) => {
  const k1 = fromHex('0c3b25d92b38ae443229dd59ad34b85d');
  const k2 = fromHex('b45775776cb224c75bcde7ca3704e933');
  const message = readSunMessage({ p, c });
  const data = message && decryptPiccData(message.p, k1);
  expect(data).toEqual({ uid: fromHex('04996c6a926980'), counter: Number(counter) });
  expect(message && data && isSunMac(message.c, data, k2)).toBe(true);
});

test('Boltcard DETERMINISTIC: all keys of a card follow from the issuer key', () => {
  const issuerKey = fromHex('00000000000000000000000000000001');
  const uid = fromHex('04a39493cc8680');
  const keys = cardKeys(issuerKey, { uid, version: 1 });
  const shown = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toHex(key)]));
  expect(shown).toEqual({
    k0: 'a29119fcb48e737d1591d3489557e49b',
    k1: '55da174c9608993dc27bb3f30a4a7314',
    k2: 'f4b404be700ab285e333e32348fa3d3b',
    k3: '73610ba4afe45b55319691cb9489142f',
    k4: 'addd03e52964369be7f2967736b7bdb5',
  });
  expect(toHex(cardNumber(issuerKey, uid))).toBe('e07ce1279d980ecb892a81924b67bf18');
  expect(toHex(cardKey(issuerKey, uid, 1))).toBe('ebff5a4e6da5ee14cbfe720ae06fbed9');
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const readings: fc.Arbitrary<PiccData> = fc.record({
  uid: bytes(7),
  counter: fc.integer({ min: 0, max: MAX_COUNTER }),
});

test('what a chip writes is read back, whatever its number and counter', () => {
  fc.assert(
    fc.property(readings, bytes(16), bytes(16), bytes(5), (data, k1, k2, padding) => {
      const keys = { metaReadKey: k1, fileReadKey: k2, padding };
      const message = readSunMessage(writeSunMessage(data, keys));
      expect(message && decryptPiccData(message.p, k1)).toEqual(data);
      expect(message && isSunMac(message.c, data, k2)).toBe(true);
    }),
  );
});

test('a code is of one reading of one card alone', () => {
  fc.assert(
    fc.property(readings, readings, bytes(16), bytes(16), (one, other, k2, otherKey) => {
      const c = sunMac(one, k2);
      fc.pre(toHex(one.uid) !== toHex(other.uid) || one.counter !== other.counter);
      fc.pre(toHex(k2) !== toHex(otherKey));
      expect(isSunMac(c, other, k2)).toBe(false);
      expect(isSunMac(c, one, otherKey)).toBe(false);
    }),
  );
});

test('a code with any one bit changed is wrong', () => {
  const data = { uid: fromHex('04de5f1eacc040'), counter: 61 };
  const c = sunMac(data, ZERO_KEY);
  for (let bit = 0; bit < 64; bit++) {
    const changed = c.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    expect(isSunMac(changed, data, ZERO_KEY)).toBe(false);
  }
});

test('what is no message of a chip is not read', () => {
  const p = 'EF963FF7828658A599F3041510671E88';
  const c = '94EED9EE65337086';
  expect(readSunMessage({ p, c })).toBeDefined();
  expect(readSunMessage({ p: p.toLowerCase(), c })).toEqual(readSunMessage({ p, c }));
  for (const bad of [
    { p: p.slice(2), c },
    { p: `${p}00`, c },
    { p, c: c.slice(2) },
    { p, c: `${c}00` },
    { p: p.replace('E', 'G'), c },
    { p: [p], c },
    { p: undefined, c },
    { p: ` ${p.slice(1)}`, c },
  ]) {
    expect(readSunMessage(bad)).toBeUndefined();
  }
});
