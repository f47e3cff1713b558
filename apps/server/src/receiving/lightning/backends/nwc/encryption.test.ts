import { randomFillSync } from 'node:crypto';
import { fromHex, toHex } from '@quittance/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  conversationKey,
  DecryptionError,
  decryptNip04,
  decryptNip44,
  encryptNip04,
  encryptNip44,
  paddedLength,
  sharedX,
} from './encryption.ts';
import { publicKeyOf } from './nostr-event.ts';

const one = `${'00'.repeat(31)}01`;
const two = `${'00'.repeat(31)}02`;
const key = conversationKey(one, publicKeyOf(two));
const random = (target: Uint8Array): Uint8Array => randomFillSync(target);
const fixed = (hex: string) => (target: Uint8Array) => {
  target.set(fromHex(hex));
  return target;
};

describe('NIP-44 version 2', () => {
  test('gives the conversation key of the published vector, from both sides', () => {
    const published = 'c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d';
    expect(toHex(key)).toBe(published);
    expect(toHex(conversationKey(two, publicKeyOf(one)))).toBe(published);
  });

  test.each([
    [
      'a',
      one,
      'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb',
    ],
    [
      '🍕🫃',
      'f00000000000000000000000000000f00000000000000000000000000000000f',
      'AvAAAAAAAAAAAAAAAAAAAPAAAAAAAAAAAAAAAAAAAAAPSKSK6is9ngkX2+cSq85Th16oRTISAOfhStnixqZziKMDvB0QQzgFZdjLTPicCJaV8nDITO+QfaQ61+KbWQIOO2Yj',
    ],
  ])('encrypts %s as the published vector does, and reads it', (text, nonce, payload) => {
    expect(encryptNip44(key, text, fixed(nonce))).toBe(payload);
    expect(decryptNip44(key, payload)).toBe(text);
  });

  test.each([
    [16, 32],
    [32, 32],
    [33, 64],
    [37, 64],
    [45, 64],
    [49, 64],
    [64, 64],
    [65, 96],
    [100, 128],
    [111, 128],
    [200, 224],
    [250, 256],
    [320, 320],
    [383, 384],
    [384, 384],
    [400, 448],
    [500, 512],
    [512, 512],
    [515, 640],
    [700, 768],
    [800, 896],
    [900, 1_024],
    [1_020, 1_024],
    [65_535, 65_536],
  ])('pads %i bytes to %i, as published', (length, padded) => {
    expect(paddedLength(length)).toBe(padded);
  });

  test('reads back whatever was written', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 2_000 });
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(text.isWellFormed());
        expect(decryptNip44(key, encryptNip44(key, text, random))).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  test('refuses a message with any one bit changed', () => {
    const bytes = Buffer.from(encryptNip44(key, 'pay_invoice', random), 'base64');
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => decryptNip44(key, changed.toString('base64'))).toThrow(DecryptionError);
      }),
    );
  });

  test.each([
    ['an unknown version', '#not-base64'],
    ['what is not base64', 'A,bc'.repeat(50)],
    ['what is too short', 'AgAA'],
    ['nothing', ''],
  ])('refuses %s', (_what, payload) => {
    expect(() => decryptNip44(key, payload)).toThrow(DecryptionError);
  });

  test.each(['', 'x'.repeat(65_536)])('takes 1 to 65,535 bytes only', (text) => {
    expect(() => encryptNip44(key, text, random)).toThrow(RangeError);
  });
});

describe('NIP-04', () => {
  const shared = sharedX(one, publicKeyOf(two));

  test('is read by the other side', () => {
    const payload = encryptNip04(shared, '{"method":"get_info"}', random);
    expect(payload).toMatch(/^[A-Za-z0-9+/]+=*\?iv=[A-Za-z0-9+/]+=*$/);
    expect(decryptNip04(sharedX(two, publicKeyOf(one)), payload)).toBe('{"method":"get_info"}');
  });

  test.each(['', 'AAAA', 'AAAA?iv=AAAA'])('refuses %j', (payload) => {
    expect(() => decryptNip04(shared, payload)).toThrow(DecryptionError);
  });
});
