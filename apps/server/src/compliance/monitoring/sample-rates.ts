import { defaultMonitoringSettings } from '@quittance/contract';
import type { Clock } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import {
  formatPrice,
  isFiatCurrency,
  type Rates,
  rateRuleSchema,
} from '../../receiving/rates/index.ts';
import { insertRate, readCurrenciesInUse } from './rate-store.ts';

/** Small beside what bitcoin moves in an hour, and a hundred thousand rows a year. */
export const SAMPLE_EVERY_MS = 5 * 60_000;

/** The market's price; the operator's own where he has set one and no market answers. */
const RULE = rateRuleSchema.parse({ fallback: [{ sources: ['fixed'], minSources: 1 }] });

/** Notes market prices in the currencies that thresholds are in, while any store is monitored. */
export function startRateSampling(options: {
  database: Database;
  rates: Pick<Rates, 'quote'>;
  clock: Clock;
  onError(error: unknown): void;
}): Loop {
  const { database, rates, clock, onError } = options;
  return startLoop({
    name: 'monitoring rates',
    everyMs: SAMPLE_EVERY_MS,
    run: async () => {
      await sampleRates(database, { rates, nowMs: clock.nowMs() });
    },
    onError,
    clock,
  });
}

export async function sampleRates(
  database: Database,
  { rates, nowMs }: { rates: Pick<Rates, 'quote'>; nowMs: number },
): Promise<void> {
  const wanted = await database.asSystem((tx) =>
    readCurrenciesInUse(tx, defaultMonitoringSettings.currency),
  );
  // Several processes may sample: of one stretch of time the first one counts.
  const atMs = Math.floor(nowMs / SAMPLE_EVERY_MS) * SAMPLE_EVERY_MS;
  for (const currency of wanted) {
    if (!isFiatCurrency(currency)) continue;
    const { rate, source } = await rates.quote(currency, RULE);
    const pricePerBtc = formatPrice(rate.pricePerBtcE8);
    await database.asSystem((tx) => insertRate(tx, { currency, atMs, pricePerBtc, source }));
  }
}
