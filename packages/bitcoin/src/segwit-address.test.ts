import { bech32, bech32m } from '@scure/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeSegwit } from './segwit-address.ts';

test('any witness program is written as an independent encoder writes it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('bc', 'tb', 'bcrt'),
      fc.integer({ min: 0, max: 16 }),
      fc.uint8Array({ minLength: 2, maxLength: 40 }),
      (hrp, version, program) => {
        const codec = version === 0 ? bech32 : bech32m;
        const expected = codec.encode(hrp, [version, ...codec.toWords(program)]);
        expect(encodeSegwit(hrp, { version, program })).toBe(expected);
      },
    ),
  );
});
