import type { Clock } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import { type Loop, startLoop } from '../../../platform/loops/index.ts';
import type { OpenScreener } from '../screener/open-screener.ts';
import {
  claimRescreen,
  finishRescreen,
  noteRescreenPage,
  releaseRescreen,
} from './rescreen-store.ts';
import type { Rescreener } from './rescreener.ts';

/** A switch rings; this finds what a ring was lost for. */
const LOOK_EVERY_MS = 30_000;
/** Renewed with each page. */
const LEASE_MS = 60_000;
/** Some hundred milliseconds of screening, so that a lease never runs out on a page. */
const PAGE = 200;

export type RescreenOptions = {
  database: Database;
  clock: Clock;
  screener: OpenScreener;
  rescreener: Rescreener;
  onError(error: unknown): void;
  everyMs?: number;
};

/** Screens everybody again after each switch of lists: one worker at a time, from where it stopped. */
export function startRescreening(options: RescreenOptions): Loop {
  const { database, clock, screener, rescreener } = options;

  async function run(signal: AbortSignal): Promise<void> {
    const nowMs = clock.nowMs();
    const claimed = await database.asSystem((tx) =>
      claimRescreen(tx, { nowMs, leaseMs: LEASE_MS }),
    );
    if (claimed === undefined) return;
    const { epoch } = claimed;
    // This process may not have the lists of the switch yet; its own switch rings again.
    if (screener.epoch() < epoch) {
      await release(epoch);
      return;
    }
    let { position } = claimed;
    try {
      while (!signal.aborted) {
        const page = { screener, epoch, position, limit: PAGE, signal };
        const { screened, next } = await rescreener.rescreen(page);
        if (next === null) {
          const end = { epoch, screened, nowMs: clock.nowMs() };
          return await database.asSystem((tx) => finishRescreen(tx, end));
        }
        const untilMs = clock.nowMs() + LEASE_MS;
        const noted = { epoch, position: next, screened, untilMs };
        if (!(await database.asSystem((tx) => noteRescreenPage(tx, noted)))) return;
        position = next;
      }
    } finally {
      await release(epoch);
    }
  }

  async function release(epoch: bigint): Promise<void> {
    await database.asSystem((tx) => releaseRescreen(tx, epoch));
  }

  return startLoop({
    name: 're-screening',
    everyMs: options.everyMs ?? LOOK_EVERY_MS,
    run,
    wake: (ring) => screener.onSwitch(ring),
    onError: options.onError,
    clock,
  });
}
