import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  beneficialOwners,
  blockedByOwners,
  checkOwners,
  depthOf,
  effectiveOwners,
  knownShare,
  percentText,
  type Share,
} from './ownership.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

/** Shares from later letters to earlier ones only: no circle, and at most the whole of each. */
const graphs = fc
  .array(
    fc.record({
      entity: fc.nat(NAMES.length - 2),
      owner: fc.nat(NAMES.length - 1),
      shareBps: fc.integer({ min: 1, max: 10_000 }),
      controls: fc.boolean(),
    }),
    { maxLength: 16 },
  )
  .map((wishes) => {
    const shares: Share[] = [];
    for (const { entity, owner, shareBps, controls } of wishes) {
      const [entityId, ownerId] = [NAMES[entity] ?? 'a', NAMES[owner] ?? 'h'];
      if (owner <= entity) continue;
      const before = shares.filter((share) => share.entityId === entityId);
      if (before.some((share) => share.ownerId === ownerId)) continue;
      const left = 10_000 - before.reduce((sum, share) => sum + share.shareBps, 0);
      if (left > 0)
        shares.push({ entityId, ownerId, shareBps: Math.min(left, shareBps), controls });
    }
    return shares;
  });

/** All ways from an entity up to an owner, each with the product of its shares. */
function waysTo(from: string, to: string, shares: readonly Share[]): number {
  return shares
    .filter(({ entityId }) => entityId === from)
    .reduce((sum, { ownerId, shareBps }) => {
      const rest = ownerId === to ? 1 : 0;
      return sum + (shareBps / 10_000) * (rest + waysTo(ownerId, to, shares));
    }, 0);
}

test('an effective share is the sum over all ways of the product of their shares', () => {
  fc.assert(
    fc.property(graphs, (shares) => {
      for (const { id, share } of effectiveOwners('a', shares)) {
        const exact = Number((share.numerator * 10n ** 15n) / share.denominator) / 1e15;
        expect(exact).toBeCloseTo(waysTo('a', id, shares), 9);
      }
    }),
  );
});

test('nobody has more than the whole, and persons together have no more than the whole', () => {
  fc.assert(
    fc.property(graphs, (shares) => {
      // Who belongs to nobody is a person here.
      const isPerson = (id: string) => shares.every(({ entityId }) => entityId !== id);
      const known = knownShare('a', shares, isPerson);
      expect(known.numerator <= known.denominator).toBe(true);
      for (const { share } of effectiveOwners('a', shares)) {
        expect(share.numerator <= share.denominator).toBe(true);
      }
    }),
  );
});

test('owners that close a circle are refused, wherever in it they are entered', () => {
  fc.assert(
    fc.property(graphs, fc.constantFrom(...NAMES), fc.constantFrom(...NAMES), (shares, x, y) => {
      const owners = [{ ownerId: x, shareBps: 1, controls: false }];
      const because = checkOwners(y, owners, shares);
      // x may own y unless y, directly or not, owns x already.
      const isAbove = x === y || effectiveOwners(x, shares).some(({ id }) => id === y);
      if (x === y) expect(because).toBe('owns_itself');
      else expect(because === 'circle').toBe(isAbove);
    }),
  );
});

test('what is refused: more than the whole, the same owner twice, too long a chain', () => {
  const half = (ownerId: string) => ({ ownerId, shareBps: 5_001, controls: false });
  expect(checkOwners('a', [half('b'), half('c')], [])).toBe('more_than_whole');
  expect(checkOwners('a', [half('b'), { ...half('b'), shareBps: 1 }], [])).toBe('named_twice');
  const chain = Array.from({ length: 20 }, (_, i) => ({
    ...{ entityId: `n${i}`, ownerId: `n${i + 1}`, shareBps: 10_000, controls: false },
  }));
  expect(depthOf('n0', chain)).toBe(20);
  const next = [{ ownerId: 'n0', shareBps: 10_000, controls: false }];
  expect(checkOwners('first', next, chain)).toBe('too_deep');
  expect(checkOwners('n20', [half('last')], chain.slice(1))).toBeNull();
});

test('a quarter counts and a hair less does not, over any number of steps', () => {
  const isPerson = (id: string) => id.startsWith('p');
  const of = (share: number, upper: number) =>
    beneficialOwners(
      'a',
      [
        { entityId: 'a', ownerId: 'b', shareBps: share, controls: false },
        { entityId: 'b', ownerId: 'p', shareBps: upper, controls: false },
      ],
      { thresholdBps: 2_500, isPerson },
    ).map(({ id }) => id);
  expect(of(5_000, 5_000)).toEqual(['p']);
  expect(of(5_000, 4_999)).toEqual([]);
  expect(of(2_500, 10_000)).toEqual(['p']);
  expect(of(2_501, 9_999)).toEqual(['p']);
  expect(of(2_500, 9_999)).toEqual([]);
});

test('who controls counts whatever the share, but only through those who control', () => {
  const share = (entityId: string, ownerId: string, controls: boolean): Share => ({
    ...{ entityId, ownerId, shareBps: 100, controls },
  });
  const isPerson = (id: string) => id.startsWith('p');
  const found = (shares: Share[]) =>
    beneficialOwners('a', shares, { thresholdBps: 2_500, isPerson }).map(({ id }) => id);
  expect(found([share('a', 'b', true), share('b', 'p', true)])).toEqual(['p']);
  expect(found([share('a', 'b', false), share('b', 'p', true)])).toEqual([]);
  expect(found([share('a', 'b', true), share('b', 'p', false)])).toEqual([]);
});

test('half in the hands of blocked parties together blocks, and what that owns in turn', () => {
  const share = (entityId: string, ownerId: string, shareBps: number): Share => ({
    ...{ entityId, ownerId, shareBps, controls: false },
  });
  const shares = [
    ...[share('a', 'p', 2_500), share('a', 'q', 2_500)],
    ...[share('b', 'a', 5_000), share('c', 'a', 4_999), share('d', 'c', 10_000)],
  ];
  expect(blockedByOwners(shares, new Set(['p']))).toEqual(new Set());
  // Direct shares count whole at each step: b is blocked though p and q together have a quarter of it.
  expect(blockedByOwners(shares, new Set(['p', 'q']))).toEqual(new Set(['a', 'b']));
});

test('a part is written rounded down, so that it never reaches a threshold by rounding', () => {
  expect(percentText({ numerator: 2n, denominator: 3n })).toBe('66.666666');
  expect(percentText({ numerator: 1n, denominator: 4n })).toBe('25.000000');
  expect(percentText({ numerator: 24_999_999_999n, denominator: 100_000_000_000n })).toBe(
    '24.999999',
  );
  expect(percentText({ numerator: 0n, denominator: 1n })).toBe('0.000000');
});
