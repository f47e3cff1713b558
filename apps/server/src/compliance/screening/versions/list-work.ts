import type { Clock } from '@quittance/kernel';
import type { Database } from '../../../platform/db/index.ts';
import { type Loop, startLoop } from '../../../platform/loops/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../../telling/notifications/index.ts';
import { SCREENING_CHANNEL } from '../screener/open-screener.ts';
import { compareNext } from './compare-version.ts';
import { activateDueVersions } from './decide-version.ts';
import { importNext } from './import-version.ts';
import { pruneEntries } from './import-store.ts';
import { isStale, staleFacts } from './staleness.ts';
import { readActiveVersion, readLists } from './store.ts';

/** A version becomes active within this time of its date. */
const WORK_EVERY_MS = 5_000;
/** Ages are in hours; they are looked at by the minute. */
const STALENESS_EVERY_MS = 60_000;
/** Retired versions whose entries stay, so that one can go back to them. */
const KEPT_RETIRED = 40;
/** Versions that one round forgets the entries of. */
const PRUNE_AT_ONCE = 20;
/** Reading a list of millions of tags takes minutes. */
const STUCK_AFTER_MS = 900_000;

export type ListWorkOptions = {
  database: Database;
  clock: Clock;
  alerts: AlertDeps;
  onError(error: unknown): void;
  everyMs?: number;
};

/** Imports, compares and activates versions of lists, and tells of lists that are too old. */
export function startListWork(options: ListWorkOptions): Loop {
  const { database, clock, alerts } = options;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return startLoop({
    name: 'screening list work',
    everyMs: options.everyMs ?? WORK_EVERY_MS,
    stuckAfterMs: STUCK_AFTER_MS,
    wake: (ring) => database.listen(SCREENING_CHANNEL, { message: ring, gap: ring }),
    onError: options.onError,
    clock,
    async run(signal) {
      const nowMs = clock.nowMs();
      await database.asSystem((tx) => activateDueVersions(tx, nowMs));
      if (nowMs - lookedAtMs >= STALENESS_EVERY_MS) {
        await tellOfStaleLists(database, alerts);
        await database.asSystem((tx) =>
          pruneEntries(tx, { keep: KEPT_RETIRED, nowMs, count: PRUNE_AT_ONCE }),
        );
        lookedAtMs = nowMs;
      }
      const busy =
        (await importNext({ database, clock }, signal)) || (await compareNext(database, signal));
      return busy && !signal.aborted ? 'again' : undefined;
    },
  });
}

/** Raises or ends the alert of each list. */
export async function tellOfStaleLists(database: Database, alerts: AlertDeps): Promise<void> {
  const lists = await database.asSystem(readLists);
  for (const list of lists) {
    await database.asSystem(async (tx) => {
      const active = await readActiveVersion(tx, list.name);
      const nowMs = alerts.clock.nowMs();
      const key = { merchantId: null, kind: 'screening_list_stale', subject: list.name } as const;
      if (!isStale(list, active, nowMs)) await resolveAlert(tx, alerts, key);
      else {
        const facts = staleFacts(list, active, nowMs);
        await raiseAlert(tx, alerts, { ...key, severity: 'critical', facts });
      }
    });
  }
}
