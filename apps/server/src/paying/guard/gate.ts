import type { Database } from '../../platform/db/index.ts';
import { readDatabaseTime, readGuard } from './store.ts';

/** Asked before anything is planned, signed or sent. */
export type Gate = {
  /** Null when money may leave; else why not, in a sentence for a person. */
  closedBecause(): Promise<string | null>;
};

const NOT_CAUGHT_UP = 'the chain has not been read up to its tip since this process was started';

/**
 * Keeps a process from paying before the chain has been read to its tip once since the process was
 * started, and while a person is asked for. What was paid after the backup that a database comes
 * from is found by reading the chain; to pay before that would be to pay it again.
 */
export function createGate(
  database: Database,
  log: { info(o: object, m: string): void; warn(o: object, m: string): void },
): Gate {
  let startedAt: Date | undefined;
  let said: string | null | undefined;

  function say(reason: string | null): string | null {
    if (reason === said) return reason;
    if (reason !== null) log.warn({ reason }, 'nothing is paid out for now');
    else if (said !== undefined) log.info({}, 'payouts go on');
    said = reason;
    return reason;
  }

  return {
    closedBecause: async () =>
      await database.asSystem(async (tx) => {
        startedAt ??= await readDatabaseTime(tx);
        const { caughtUpAt, heldReason } = await readGuard(tx);
        if (heldReason !== null) return say(heldReason);
        return say(caughtUpAt !== null && caughtUpAt > startedAt ? null : NOT_CAUGHT_UP);
      }),
  };
}
