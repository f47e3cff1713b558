import { expect, test } from 'vitest';
import { waitFor } from './estimate.ts';

test('the long wait is the ninth decile of the Erlang distribution, up to five minutes', () => {
  // Quantiles at 0.9 of Erlang(n, 1): 2.303, 3.890, 5.322, 9.275, 16.598 intervals of ten minutes.
  expect(waitFor(1)).toEqual({ typicalMinutes: 10, longMinutes: 25 });
  expect(waitFor(2)).toEqual({ typicalMinutes: 20, longMinutes: 40 });
  expect(waitFor(3)).toEqual({ typicalMinutes: 30, longMinutes: 55 });
  expect(waitFor(6)).toEqual({ typicalMinutes: 60, longMinutes: 95 });
  expect(waitFor(12)).toEqual({ typicalMinutes: 120, longMinutes: 170 });
});
