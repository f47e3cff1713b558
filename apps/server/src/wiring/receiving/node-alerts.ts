import type { Clock } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../telling/notifications/index.ts';

/** A node that is restarted is away for less; what lasts longer needs a person. */
export const NODE_PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 15_000;
/** What is seen each time it is looked at would only count up; the alert is told once anyway. */
const RAISE_EVERY_MS = 300_000;

export type NodeAlertOptions = {
  database: Database;
  deps: AlertDeps;
  clock: Clock;
  log: Logger;
  network: string;
  /** What the watcher stumbles over: null when nothing, undefined when another process watches. */
  problem(): string | null | undefined;
  everyMs?: number;
};

/** Raises an alert of the instance while the Bitcoin node can not be followed. */
export function watchNode(options: NodeAlertOptions): Loop {
  const { database, deps, clock, log } = options;
  const key = { merchantId: null, kind: 'node_unavailable', subject: options.network } as const;
  let badSinceMs: number | undefined;
  let raisedAtMs: number | undefined;
  /** Whether the alert of an earlier process, or of another watcher, may still be open. */
  let isSettled = false;

  async function run(): Promise<void> {
    const problem = options.problem();
    if (problem === undefined) {
      isSettled = false;
      badSinceMs = raisedAtMs = undefined;
      return;
    }
    if (problem === null) {
      badSinceMs = raisedAtMs = undefined;
      if (isSettled) return;
      await database.asSystem((tx) => resolveAlert(tx, deps, key));
      isSettled = true;
      return;
    }
    const nowMs = clock.nowMs();
    badSinceMs ??= nowMs;
    const isNoted = raisedAtMs !== undefined && nowMs - raisedAtMs < RAISE_EVERY_MS;
    if (nowMs - badSinceMs < NODE_PATIENCE_MS || isNoted) return;
    isSettled = false;
    const facts = { reason: problem };
    await database.asSystem((tx) => raiseAlert(tx, deps, { ...key, severity: 'critical', facts }));
    raisedAtMs = nowMs;
  }

  return startLoop({
    name: 'node alerts',
    everyMs: options.everyMs ?? LOOK_EVERY_MS,
    run,
    onError: (error) => log.warn({ error }, 'an alert about the node can not be written'),
    clock,
  });
}
