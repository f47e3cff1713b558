import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareLists } from '../delta.ts';
import type { ListEntry } from '../list-entry.ts';
import { buildAddressIndex } from './address-index.ts';
import { normaliseAddress } from './normalise.ts';

const base58 = fc.string({
  unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'),
  minLength: 1,
  maxLength: 40,
});

describe('the index of addresses', () => {
  test('finds what it was given and nothing else', () => {
    fc.assert(
      fc.property(fc.array(base58, { maxLength: 200 }), fc.array(base58), (listed, others) => {
        const index = buildAddressIndex(listed.map((address, record) => ({ address, record })));
        const known = new Map<string, number[]>();
        listed.forEach((address, record) => {
          const plain = normaliseAddress(address);
          if (plain !== null) known.set(plain, [...(known.get(plain) ?? []), record]);
        });
        expect(index.size).toBe(known.size);
        for (const address of [...listed, ...others]) {
          const plain = normaliseAddress(address);
          const expected = plain === null ? [] : (known.get(plain) ?? []);
          expect(index.findAll(address)).toEqual(expected);
          expect(index.find(address)).toBe(expected[0] ?? -1);
        }
      }),
    );
  });

  test('takes bech32 and hexadecimal in any case, mixed bech32 and base58 in another case not', () => {
    const listed = [
      'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
      '0xAbCdEf0123456789aBcDeF0123456789abcdef01',
      '1BoatSLRHtKNngkdXEeobR76b53LETtpyT',
    ];
    const index = buildAddressIndex(listed.map((address, record) => ({ address, record })));
    expect(index.find(listed[0]?.toUpperCase() ?? '')).toBe(0);
    expect(index.find(`bitcoin:${listed[0]}`)).toBe(0);
    expect(index.find('bc1qAR0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq')).toBe(-1);
    expect(index.find(listed[1]?.toLowerCase() ?? '')).toBe(1);
    expect(index.find(listed[2]?.toLowerCase() ?? '')).toBe(-1);
    expect(index.find('no address at all')).toBe(-1);
  });
});

describe('the delta of two versions', () => {
  const entry = (id: string, name: string): ListEntry => ({
    list: 'x',
    id,
    schema: 'Person',
    names: [{ text: name, kind: 'primary', script: 'latin' }],
    birthDates: [],
    countries: ['de', 'fr'],
    gender: null,
    addresses: [],
    label: null,
    topics: [],
  });

  test('names what came, went and changed, and takes no other order for a change', () => {
    const before = [entry('1', 'One'), entry('2', 'Two'), entry('3', 'Three')];
    const after = [
      entry('4', 'Four'),
      { ...entry('1', 'One'), countries: ['fr', 'de'] },
      entry('2', 'Too'),
    ];
    const delta = compareLists(before, after);
    expect(delta.added.map(({ id }) => id)).toEqual(['4']);
    expect(delta.removed.map(({ id }) => id)).toEqual(['3']);
    expect(delta.changed.map(({ after: { id }, fields }) => [id, fields])).toEqual([
      ['2', ['names']],
    ]);
    expect(delta.unchanged).toBe(1);
  });
});

test('nodes of Lightning, domains and Lightning addresses are found in any spelling, and are no others', () => {
  const node = `03${'Ab'.repeat(32)}`;
  const listed = [node, 'Evil.Example.', 'Bob@Evil.Example'];
  const index = buildAddressIndex(listed.map((address, record) => ({ address, record })));
  expect(index.find(node.toLowerCase())).toBe(0);
  expect(index.find('evil.example')).toBe(1);
  expect(index.find('EVIL.EXAMPLE')).toBe(1);
  expect(index.find('bob@evil.example')).toBe(2);
  for (const other of [`02${node.slice(2)}`, 'example', 'not-evil.example', 'ann@evil.example']) {
    expect(index.find(other), other).toBeLessThan(0);
  }
  for (const wrong of ['..', '@evil.example', 'evil..example', 'a b.example', '-.example', '1.']) {
    expect(normaliseAddress(wrong), wrong).toBeNull();
  }
});
