import { type RiskConfig, riskConfigSchema } from '@quittance/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../platform/http/index.ts';
import { SHIPPED_RISK_CONFIG } from './config.ts';
import { decide, ENGINE, outcomeText, replay } from './decide.ts';
import type { RiskFacts } from './facts.ts';
import { hit, plainFacts, plainSource } from './test-facts.ts';

const AT_MS = plainFacts().atMs;
const DAY_MS = 86_400_000;
const youngSource = (days: number, hits = plainSource().hits) =>
  plainSource({
    hits,
    direct: [{ address: 'a', sharePpm: 1_000_000, seenAtMs: AT_MS - days * DAY_MS }],
  });

function judge(change: Partial<RiskFacts>, config: RiskConfig = SHIPPED_RISK_CONFIG) {
  const { score, level, action, reasons } = decide(plainFacts(change), config);
  return { score, level, action, factors: reasons.map(({ factor }) => factor) };
}

describe('the seed examples', () => {
  test('a blacklisted source (50) and a new address (20) are 70: HIGH, reject', () => {
    const outcome = decide(plainFacts({ source: youngSource(2, [hit()]) }), SHIPPED_RISK_CONFIG);
    expect(outcome).toMatchObject({ score: 70, level: 'HIGH', action: 'reject' });
    expect(outcome.reasons.map(({ factor, points }) => [factor, points])).toEqual([
      ['blacklist', 50],
      ['age', 20],
    ]);
  });

  test('nothing found is 0: LOW, approve', () => {
    expect(judge({})).toEqual({ score: 0, level: 'LOW', action: 'approve', factors: [] });
  });

  test('a blacklisted source alone (50) and a mixer alone (40) are MEDIUM: a person looks', () => {
    expect(judge({ source: plainSource({ hits: [hit()] }) })).toMatchObject({
      ...{ score: 50, level: 'MEDIUM', action: 'review' },
    });
    const mixer = hit({ list: 'tags', purpose: 'attribution', categories: ['mixer'] });
    expect(judge({ source: plainSource({ hits: [mixer] }) })).toMatchObject({
      ...{ score: 40, level: 'MEDIUM', factors: ['label'] },
    });
  });

  test.each(['mixer', 'darknet', 'gambling', 'scam', 'ransomware'] as const)(
    'a source labelled %s is 40, one of an exchange nothing',
    (label) => {
      const tag = (name: typeof label | 'exchange') =>
        plainSource({ hits: [hit({ purpose: 'attribution', categories: [name] })] });
      expect(judge({ source: tag(label) }).score).toBe(40);
      expect(judge({ source: tag('exchange') }).score).toBe(0);
    },
  );

  test('an address that the store calls harmless has no label, and stays sanctioned', () => {
    const on = (change: Parameters<typeof hit>[0]) =>
      judge({ source: plainSource({ hits: [hit(change)], allowed: ['bcrt1qlisted'] }) }).score;
    expect(on({ purpose: 'attribution', categories: ['mixer'] })).toBe(0);
    expect(on({})).toBe(50);
  });

  test("a source on the store's own list is as one on any other", () => {
    const own = hit({ list: 'own', purpose: 'other', categories: ['other'] });
    expect(judge({ source: plainSource({ hits: [own] }) }).score).toBe(50);
  });

  test('an address is new for less than 7 days: 20, and LOW by itself', () => {
    expect(judge({ source: youngSource(6.9) })).toMatchObject({ score: 20, level: 'LOW' });
    expect(judge({ source: youngSource(7) }).score).toBe(0);
  });

  test('more than 100 payments in 24 hours from one address are 25, exactly 100 are not', () => {
    const from = (source: number) => judge({ velocity: { source, store: 100, storeUsual: 50 } });
    expect(from(101)).toMatchObject({ score: 25, factors: ['velocity'] });
    expect(from(100).score).toBe(0);
  });

  test('an amount beyond |z| = 3 gives up to 30 points, at 3.00 none yet', () => {
    const z = (robustZ: number) =>
      judge({ history: { count: 50, medianMinor: '1', robustZ, plainZ: 0 } }).score;
    expect([z(300), z(301), z(450), z(600), z(99_999)]).toEqual([0, 10, 20, 30, 30]);
    expect([z(-300), z(-600)]).toEqual([0, 30]);
  });
});

describe('where the seed rule is naive', () => {
  test('a busy store is compared with its own usual day, a new one with the limit', () => {
    const all = (store: number, storeUsual: number | null) =>
      judge({ velocity: { source: 1, store, storeUsual } }).score;
    expect(all(5_000, 4_000)).toBe(0);
    expect(all(16_001, 4_000)).toBe(25);
    expect(all(101, null)).toBe(25);
  });

  test('with little history an amount is judged in fiat, never by a z-score of a few payments', () => {
    const small = { count: 3, medianMinor: '1', robustZ: 9_999, plainZ: 9_999 };
    const pay = (amountMinor: string, currency: string) =>
      judge({
        history: small,
        payment: { method: 'onchain', amountSats: '1', amountMinor, currency },
      }).score;
    expect(pay('999999', 'USD')).toBe(0);
    expect(pay('1000000', 'USD')).toBe(15);
    // A limit in another currency says nothing about yen.
    expect(pay('1000000', 'JPY')).toBe(0);
  });

  test('an address behind an exchange hop weighs by its distance, and crumbs behind the first hop do not', () => {
    const at = (hop: number, sharePpm = 1_000_000) =>
      judge({ source: plainSource({ hits: [hit({ hop, sharePpm })] }) }).score;
    expect([at(1), at(2), at(3)]).toEqual([50, 50, 40]);
    expect([at(1, 1), at(2, 999), at(2, 1_000)]).toEqual([50, 0, 50]);
  });
});

describe('what the chain shows', () => {
  const shape = {
    inputs: 5,
    outputs: 25,
    coinjoin: false,
    peelLength: 0,
    dustOutputs: 0,
    replaced: 0,
  };
  test.each<[string, Partial<RiskFacts>, number]>([
    ['a coinjoin', { shape: { ...shape, coinjoin: true } }, 15],
    ['a chain of three peels', { shape: { ...shape, peelLength: 3 } }, 10],
    ['a chain of two peels', { shape: { ...shape, peelLength: 2 } }, 0],
    ['a spray of dust', { shape: { ...shape, dustOutputs: 20 } }, 10],
    ['a payout to many', { shape: { ...shape, dustOutputs: 19 } }, 0],
    ['a replaced payment', { shape: { ...shape, replaced: 1 } }, 5],
    ['money that was refunded', { refunded: ['bcrt1qpayer'] }, 10],
    ['inputs that nobody can tell', { source: plainSource({ unknownPpm: 500_000 }) }, 10],
  ])('%s counts as it should', (_name, facts, score) => {
    expect(judge(facts).score).toBe(score);
  });

  test('Lightning has no source: amount and velocity count, and nothing is made up for the rest', () => {
    const lightning = plainFacts({
      ...{ source: null, shape: null },
      payment: { method: 'lightning', amountSats: '1', amountMinor: '1', currency: 'EUR' },
      history: { count: 50, medianMinor: '1', robustZ: 700, plainZ: null },
      velocity: { source: null, store: 101, storeUsual: 3 },
    });
    expect(decide(lightning, SHIPPED_RISK_CONFIG)).toMatchObject({ score: 55, level: 'MEDIUM' });
  });
});

const anyFacts: fc.Arbitrary<RiskFacts> = fc
  .record({
    hits: fc.array(
      fc.record({
        hop: fc.integer({ min: 1, max: 6 }),
        sharePpm: fc.integer({ min: 0, max: 1_000_000 }),
        categories: fc.subarray(['sanctions', 'mixer', 'scam', 'exchange', 'other'] as const),
        purpose: fc.constantFrom('sanctions' as const, 'attribution' as const, 'other' as const),
      }),
      { maxLength: 5 },
    ),
    young: fc.integer({ min: 0, max: 30 }),
    robustZ: fc.integer({ min: -2_000, max: 2_000 }),
    count: fc.integer({ min: 0, max: 100 }),
    source: fc.integer({ min: 1, max: 300 }),
    store: fc.integer({ min: 1, max: 1_000 }),
    storeUsual: fc.option(fc.integer({ min: 0, max: 300 })),
    coinjoin: fc.boolean(),
    peelLength: fc.nat(6),
    replaced: fc.nat(3),
    refunded: fc.subarray(['a', 'b']),
  })
  .map((any) =>
    plainFacts({
      source: { ...youngSource(any.young), hits: any.hits.map((each) => hit(each)) },
      history: { count: any.count, medianMinor: '5', robustZ: any.robustZ, plainZ: null },
      velocity: { source: any.source, store: any.store, storeUsual: any.storeUsual },
      shape: {
        ...{ inputs: 3, outputs: 30, dustOutputs: 25 },
        ...{ coinjoin: any.coinjoin, peelLength: any.peelLength, replaced: any.replaced },
      },
      refunded: any.refunded,
    }),
  );

test('any facts: reasons add up to the score exactly, and the level follows from it', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { score, level, action, reasons } = decide(facts, SHIPPED_RISK_CONFIG);
      expect(reasons.reduce((sum, { points }) => sum + points, 0)).toBe(score);
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(100);
      expect(level).toBe(score >= 70 ? 'HIGH' : score >= 40 ? 'MEDIUM' : 'LOW');
      expect(action).toBe({ HIGH: 'reject', MEDIUM: 'review', LOW: 'approve' }[level]);
    }),
  );
});

test('any facts: written down and read again they are decided with the same bytes', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const written = canonicalJson(facts);
      const config = JSON.parse(canonicalJson(SHIPPED_RISK_CONFIG)) as RiskConfig;
      const read = JSON.parse(written) as RiskFacts;
      expect(canonicalJson(read)).toBe(written);
      expect(replay({ engine: ENGINE, facts: read, config })).toBe(
        outcomeText(decide(facts, SHIPPED_RISK_CONFIG)),
      );
    }),
  );
});

test('the shipped configuration is one that a store may write, and rules of another number are refused', () => {
  expect(riskConfigSchema.parse(SHIPPED_RISK_CONFIG)).toEqual(SHIPPED_RISK_CONFIG);
  const other = { engine: ENGINE + 1, facts: plainFacts(), config: SHIPPED_RISK_CONFIG };
  expect(() => replay(other)).toThrow('not known');
});
