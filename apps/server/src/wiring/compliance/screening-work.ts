import { assert } from '@quittance/kernel';
import {
  openScreener,
  type OpenScreener,
  type Rescreener,
  startListWork,
  startRescreening,
} from '../../compliance/screening/index.ts';
import type { FlowOptions } from '../flow.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Loop } from '../../platform/loops/index.ts';
import type { AlertDeps } from '../../telling/notifications/index.ts';

export type ScreeningParts = {
  database: Database;
  alerts: AlertDeps;
  loops: Loop[];
  /** Who is registered here, and is screened again when a list changes. */
  rescreener: Rescreener;
};

export type Screening = { screener(): OpenScreener };

/**
 * Screening in this process: the lists that are active in memory, for requests and workers alike; in
 * a worker the work on versions, and screening everybody again after a switch.
 */
export function useScreening(
  lifecycle: Lifecycle,
  options: FlowOptions,
  { database, alerts, loops, rescreener }: ScreeningParts,
): Screening {
  const { role, clock, log } = options;
  let screener: OpenScreener | undefined;
  const opened = (): OpenScreener => {
    assert(screener !== undefined, 'screening starts before what asks it');
    return screener;
  };
  if (role === 'watcher') return { screener: opened };
  lifecycle.use('screening', async () => {
    screener = await openScreener({
      database,
      clock,
      onError: (error) => log.warn({ error }, 'the lists for screening can not be followed'),
    });
    loops.push(screener.loop);
    return screener;
  });
  if (role === 'api') return { screener: opened };
  lifecycle.use('screening lists', () => {
    const onError = (error: unknown) => log.warn({ error }, 'work on lists for screening failed');
    const loop = startListWork({ database, clock, alerts, onError });
    loops.push(loop);
    return loop;
  });
  lifecycle.use('re-screening', () => {
    const onError = (error: unknown) => log.warn({ error }, 'screening everybody again failed');
    const parts = { database, clock, screener: opened(), rescreener };
    const loop = startRescreening({ ...parts, onError });
    loops.push(loop);
    return loop;
  });
  return { screener: opened };
}
