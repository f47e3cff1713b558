import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { run as runCoinSelection } from './coinselect.ts';
import { type BenchResult, isMet, median, quantile } from './harness.ts';
import { run as runOrders } from './orders.ts';
import { runBench } from './run.ts';
import { run as runScan } from './scan.ts';
import { run as runStrategies } from './strategies.ts';

const data = process.env['QUITTANCE_TESTDATA'] ?? join(import.meta.dirname, '../../shared/data');

test('a median and a quantile are values that were measured', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(quantile([4, 3, 2, 1], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
  expect(quantile([7], 0)).toBe(7);
});

test('a target is met on its bound and on its good side only', () => {
  const target = (value: number, limit: { atLeast: number } | { atMost: number }) =>
    isMet({ what: '', value, unit: '', limit });
  expect(target(3, { atLeast: 3 })).toBe(true);
  expect(target(2.99, { atLeast: 3 })).toBe(false);
  expect(target(10, { atMost: 10 })).toBe(true);
  expect(target(10.01, { atMost: 10 })).toBe(false);
  expect(target(Number.NaN, { atMost: 10 })).toBe(false);
  expect(target(Number.NaN, { atLeast: 0 })).toBe(false);
});

test('an unknown benchmark is refused with the list of those there are', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(await runBench(['nonsense'])).toBe(2);
  const text = String(said.mock.calls[0]?.[0]);
  said.mockRestore();
  for (const name of ['scan', 'catchup', 'detect', 'orders', 'webhooks', 'coinselect', 'memory']) {
    expect(text).toContain(name);
  }
});

test('the scan benchmark measures', { timeout: 120_000 }, async (context) => {
  if (!existsSync(join(data, 'blocks'))) {
    context.skip('the real blocks are absent: set QUITTANCE_TESTDATA');
  }
  const result = await runScan({ quick: true });
  expectFigures(result);
  // Far below the target, so that a busy machine does not fail the test.
  expect(result.targets[0]?.value).toBeGreaterThan(5);
});

test('the orders benchmark measures both sides', { timeout: 120_000 }, async () => {
  const result = await runOrders({ quick: true });
  expectFigures(result);
  expect(result.rows.map(({ what }) => what)).toContain('server');
});

test('the coinselect benchmark measures all three ways', { timeout: 120_000 }, async () => {
  const result = await runCoinSelection({ quick: true });
  expectFigures(result);
  expect(result.ratios['smallWalletCostToOptimum']).toBeLessThan(1.01);
  // A few scenarios only: far above the target.
  expect(result.ratios['costToBitcoind']).toBeLessThan(1.5);
});

test('the strategies benchmark judges every rule on the same payouts, and no law is broken', async () => {
  const result = await runStrategies({ quick: true });
  const rules = result.rows.map(({ rule }) => rule);
  expect(rules).toEqual(expect.arrayContaining(['tiered', 'tiered + prediction', 'manual']));
  const broken = result.targets.find(({ what }) => what.includes('laws broken'));
  expect(broken?.value).toBe(0);
});

function expectFigures(result: BenchResult): void {
  expect(result.rows.length).toBeGreaterThan(0);
  expect(result.targets.length).toBeGreaterThan(0);
  for (const value of Object.values(result.ratios)) expect(value).toBeGreaterThan(0);
  for (const { value } of result.targets) expect(value).toBeGreaterThan(0);
}
