import { setTimeout as sleep } from 'node:timers/promises';
import type { ClnRpc } from './rpc.ts';
import { waitShape } from './shapes.ts';

/** `wait` answers at the next change; asked again by then, because a dead connection is quiet too. */
const WAIT_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
const SUBSYSTEMS = ['invoices', 'sendpays'] as const;

/** Rings at every change of an invoice or payment, while somebody listens (lightning-wait(7)). */
export function createDoorbell(rpc: ClnRpc): {
  listen(ring: () => void): () => void;
  close(): void;
} {
  const listeners = new Set<() => void>();
  let running: AbortController | undefined;
  const ringAll = (): void => {
    for (const ring of listeners) ring();
  };

  async function follow(subsystem: string, signal: AbortSignal): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    let next = 0;
    while (!signal.aborted) {
      try {
        const params = { subsystem, indexname: 'updated', nextvalue: next };
        const { updated } = await rpc.call('wait', params, waitShape, {
          timeoutMs: WAIT_MS,
          signal,
        });
        // The first question, for 0, is answered at once with where the index is.
        if (next > 0) ringAll();
        next = Number(updated ?? 0n) + 1;
        pause = FIRST_PAUSE_MS;
      } catch {
        // Whoever reads the events meets the same trouble and reports it.
        if (signal.aborted) return;
        await sleep(pause, undefined, { ref: false });
        pause = Math.min(2 * pause, MAX_PAUSE_MS);
        ringAll();
      }
    }
  }

  const stop = (): void => {
    running?.abort();
    running = undefined;
  };
  return {
    listen(ring) {
      listeners.add(ring);
      if (running === undefined) {
        running = new AbortController();
        for (const subsystem of SUBSYSTEMS) void follow(subsystem, running.signal);
      }
      return () => {
        listeners.delete(ring);
        if (listeners.size === 0) stop();
      };
    },
    close() {
      listeners.clear();
      stop();
    },
  };
}
