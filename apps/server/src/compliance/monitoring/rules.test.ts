import { defaultMonitoringSettings } from '@quittance/contract';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import type { Finding } from './finding.ts';
import { monitorInMemory } from './memory-states.ts';
import type { Movement } from './movement.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
type Sketch = Partial<Movement> & { at?: number; usd?: number };

/** Runs the shipped rules over sketches of movements: hours from the beginning, dollars. */
function run(sketches: readonly Sketch[]): Finding[] {
  const monitor = monitorInMemory(readConfig(defaultMonitoringSettings));
  return sketches.flatMap(({ at = 0, usd = 100, ...rest }, i) =>
    monitor.take({
      ...{ seq: i + 1, id: `m${i + 1}`, atMs: 20_000 * DAY + at * HOUR, direction: 'in' },
      ...{ party: 'customer:a', counterparty: `address:${i}`, isService: false, isFiatLeg: true },
      ...{ amountMinor: BigInt(Math.round(usd * 100)), links: [], marks: [] },
      ...rest,
    }),
  );
}
const rulesOf = (sketches: readonly Sketch[]) => run(sketches).map(({ rule }) => rule);
const series = (count: number, make: (i: number) => Sketch) =>
  Array.from({ length: count }, (_, i) => make(i));

test('large: over the threshold and not at it, once by itself or added up over a day', () => {
  expect(rulesOf([{ usd: 10_000 }])).toEqual([]);
  const [alone] = run([{ usd: 10_000.01 }]);
  expect([alone?.rule, alone?.summary]).toEqual([
    'large_transaction',
    'One payment in of 10000.01 USD, over 10000.00 USD.',
  ]);
  const day = [{ usd: 9_000 }, { usd: 1_001, at: 5 }, { usd: 500, at: 6 }];
  expect(run(day).map(({ summary }) => summary)).toEqual([
    '2 payments in on 2024-10-04 add up to 10001.00 USD, over 10000.00 USD.',
  ]);
  const apart = [{ usd: 9_000 }, { usd: 1_001, at: 25 }];
  expect(rulesOf(apart)).toEqual([]);
});

test('large: what was not priced in a fiat currency is no currency', () => {
  expect(rulesOf([{ usd: 50_000, isFiatLeg: false }])).toEqual([]);
});

test('structuring: three below the threshold within a week, of one party or of linked ones', () => {
  const spread = (hours: number) => series(3, (i) => ({ usd: 4_000, at: i * hours }));
  const [found, ...more] = run(spread(84));
  expect([found?.rule, more]).toEqual(['structuring', []]);
  expect(found?.movementIds).toEqual(['m1', 'm2', 'm3']);
  expect(rulesOf(spread(85))).toEqual([]);
  const linked = (links: string[]) =>
    rulesOf(series(3, (i) => ({ usd: 4_000, at: i * 30, party: `customer:${i}`, links })));
  expect(linked(['address:shared'])).toEqual(['structuring']);
  expect(linked([])).toEqual([]);
});

test('structuring: who shares an address with more than six others is linked with nobody', () => {
  const links = ['address:exchange'];
  const users = (count: number) =>
    series(count, (i) => ({ usd: 50, party: `customer:${i}`, links, at: i }));
  const three = series(3, (i) => ({ usd: 4_000, at: 30 + 30 * i, party: `customer:${i}` }));
  expect(rulesOf([...users(6), ...three])).toEqual(['structuring']);
  expect(rulesOf([...users(7), ...three])).toEqual([]);
  // Nor does a service that is known as such.
  const known = series(3, (i) => ({ ...users(3)[i], isService: true }));
  expect(rulesOf([...known, ...three])).toEqual([]);
});

test('structuring: wages that come every month are no pattern', () => {
  const month = (n: number) =>
    series(3, (i) => ({ usd: 4_000, at: n * 720 + 30 * i, counterparty: `address:job${i}` }));
  expect(rulesOf(month(0))).toEqual(['structuring']);
  expect(rulesOf([...month(0), ...month(1), ...month(2)])).toEqual(['structuring']);
});

test('rapid movement: most of what came in goes out within two days', () => {
  const passing = (usd: number, at: number): Sketch[] => [
    { usd: 5_000 },
    { usd, at, direction: 'out' },
  ];
  expect(rulesOf(passing(4_000, 48))).toEqual(['rapid_movement']);
  expect(rulesOf(passing(3_999, 48))).toEqual([]);
  expect(rulesOf(passing(4_000, 49))).toEqual([]);
  // A salary in between does not hide it.
  const between: Sketch[] = [{ usd: 5_000 }, { usd: 2_900, at: 1 }];
  expect(rulesOf([...between, { usd: 4_500, at: 2, direction: 'out' }])).toEqual([
    'rapid_movement',
  ]);
});

test('high-risk counterparty: by label, list or country, also where the value is not known', () => {
  const about = (kind: string, what: string): Sketch => ({ marks: [{ kind, about: what }] });
  expect(rulesOf([about('mixer', 'a label')])).toEqual(['high_risk_counterparty']);
  expect(rulesOf([{ ...about('sanctions', 'OFAC'), amountMinor: null }])).toHaveLength(1);
  expect(rulesOf([about('country', 'KP')])).toEqual(['high_risk_counterparty']);
  expect(rulesOf([about('country', 'CH'), about('exchange', 'a label')])).toEqual([]);
});

test('fans: ten different others within a week, in or out, but not a shop as every week', () => {
  for (const direction of ['in', 'out'] as const) {
    const ten = (count: number) => series(count, (i) => ({ usd: 320, at: i * 18, direction }));
    expect(rulesOf(ten(10))).toEqual([`fan_${direction}`]);
    expect(rulesOf(ten(9))).toEqual([]);
  }
  const shop = series(60, (i) => ({ usd: 320, at: i * 12 }));
  // New as it is, its first weeks look like one; from then on it is known.
  const found = run(shop).filter(({ rule }) => rule === 'fan_in');
  expect(found.length).toBeLessThanOrEqual(2);
});

test('cycle: money comes back over others, and to and from an own wallet is none', () => {
  const way = [
    ...[{ party: 'customer:a', direction: 'out' as const, counterparty: 'address:x' }],
    ...[{ party: 'customer:b', direction: 'in' as const, counterparty: 'address:x' }],
    ...[{ party: 'customer:b', direction: 'out' as const, counterparty: 'address:y' }],
    ...[{ party: 'customer:a', direction: 'in' as const, counterparty: 'address:y' }],
  ];
  const loses = (kept: number) =>
    way.map((each, i) => ({ ...each, usd: 2_500 * kept ** i, at: 30 * i }));
  const [found] = run(loses(0.9)).filter(({ rule }) => rule === 'cycle');
  expect(found?.facts['path']).toEqual([
    ...['customer:a', 'address:x', 'customer:b', 'address:y', 'customer:a'],
  ]);
  expect(rulesOf(loses(0.69))).not.toContain('cycle');
  const own = (['out', 'in'] as const).map((direction, i): Sketch => {
    return { direction, counterparty: 'address:x', usd: 2_500, at: 30 * i };
  });
  expect(rulesOf(own)).toEqual([]);
});

test('dormant: half a year of silence, then much within a week', () => {
  const after = (days: number, usd: number): Sketch[] => [{}, { usd, at: 24 * days }];
  expect(rulesOf(after(180, 5_000))).toEqual(['dormant_then_active']);
  expect(rulesOf(after(180, 4_999))).toEqual([]);
  expect(rulesOf(after(179, 5_000))).toEqual([]);
});

test('round amounts: whole thousands within two weeks, among few others as large', () => {
  const round = (count: number) =>
    series(count, (i) => ({ usd: 1_000 * (1 + (i % 3)), at: i * 80 }));
  expect(rulesOf(round(4))).toEqual(['round_amount']);
  expect(rulesOf(round(3))).toEqual([]);
  const others = series(3, (i) => ({ usd: 1_234.56, at: i, direction: 'out' as const }));
  expect(rulesOf([...others, ...round(4)])).not.toContain('round_amount');
  // Bread is no excuse.
  const bread = series(20, (i) => ({ usd: 4.2, at: i, direction: 'out' as const }));
  expect(rulesOf([...bread, ...round(4)])).toContain('round_amount');
});

test('a rule that is switched off says nothing and keeps nothing', () => {
  const { rules } = defaultMonitoringSettings;
  const off = Object.fromEntries(
    Object.entries(rules).map(([rule, settings]) => [rule, { ...settings, enabled: false }]),
  ) as typeof rules;
  const monitor = monitorInMemory(readConfig({ ...defaultMonitoringSettings, rules: off }));
  const movement: Movement = {
    ...{ seq: 1, id: 'm', atMs: 20_000 * DAY, direction: 'in', party: 'customer:a', links: [] },
    ...{ counterparty: 'address:x', isService: false, amountMinor: 5_000_000n, isFiatLeg: true },
    marks: [{ kind: 'sanctions', about: 'OFAC' }],
  };
  expect(monitor.take(movement)).toEqual([]);
  expect(monitor.size()).toBe(0);
});
