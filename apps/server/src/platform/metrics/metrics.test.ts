import { expect, test } from 'vitest';
import { createMetrics, type Reading } from './index.ts';

function valueOf(page: string, series: string): string | undefined {
  return page
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
    ?.split(' ')[1];
}

test('Monitoring that lies: a source that can not be read is red, never 0', async () => {
  const metrics = createMetrics({ sourceTimeoutMs: 20 });
  let answer: () => Reading[] | Promise<Reading[]> = () => [
    { name: 'quittance_chain_height', value: 900_000 },
  ];
  metrics.registerSource('chain', () => answer());
  const before = await metrics.render();
  expect(valueOf(before, 'quittance_chain_height')).toBe('900000');
  expect(valueOf(before, 'quittance_source_up{source="chain"}')).toBe('1');

  const failures: (() => Reading[] | Promise<Reading[]>)[] = [
    () => {
      throw new Error('no node');
    },
    () => Promise.reject(new Error('no node')),
    () => new Promise(() => {}),
    () => [{ name: 'quittance_chain_height', value: Number.NaN }],
    () => [{ name: 'quittance_rate_age_seconds', value: 1 }],
  ];
  for (const failure of failures) {
    answer = failure;
    const page = await metrics.render();
    expect(valueOf(page, 'quittance_chain_height')).toBeUndefined();
    expect(valueOf(page, 'quittance_source_up{source="chain"}')).toBe('0');
  }
});

test('a gauge that nobody has measured is absent', async () => {
  const page = await createMetrics().render();
  expect(valueOf(page, 'quittance_chain_height')).toBeUndefined();
  expect(page).toContain('# TYPE quittance_chain_height gauge');
});

test('two registries share nothing', async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.count('quittance_orders_by_status_total', { status: 'CONFIRMED' });
  one.count('quittance_orders_by_status_total', { status: 'CONFIRMED' }, 2);
  const series = 'quittance_orders_by_status_total{status="CONFIRMED"}';
  expect(valueOf(await one.render(), series)).toBe('3');
  expect(valueOf(await two.render(), series)).toBeUndefined();
});
