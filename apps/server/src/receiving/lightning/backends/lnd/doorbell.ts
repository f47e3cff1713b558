import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { urlBase64 } from './payments.ts';
import type { LndRest } from './rest.ts';
import { invoiceShape, paymentShape } from './shapes.ts';

/** A stream is opened again by then at the latest: a dead connection may look like a quiet one. */
const STREAM_LIFE_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** Hold invoices that are watched one by one; more are found by the next reading. */
const MAX_HELD_WATCHED = 50;

export type Doorbell = {
  listen(ring: () => void): () => void;
  /** LND tells of a payment that is held only who asks for that very invoice. */
  watchHeld(paymentHash: string): void;
  close(): void;
};

/** Keeps LND's streams open while somebody listens. What they say is not used: truth is pulled. */
export function createDoorbell(rest: LndRest): Doorbell {
  const listeners = new Set<() => void>();
  const held = new Map<string, AbortController>();
  let running: AbortController | undefined;

  const ringAll = (): void => {
    for (const ring of listeners) ring();
  };

  function start(): void {
    running = new AbortController();
    const { signal } = running;
    void keepOpen('/v1/invoices/subscribe', invoiceShape, signal, ({ state }) => {
      if (state === 'SETTLED') ringAll();
    });
    void keepOpen('/v2/router/payments?no_inflight_updates=true', paymentShape, signal, ringAll);
  }

  async function keepOpen<T>(
    path: string,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    onMessage: (message: T) => void,
  ): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        const messages = rest.stream({ path, timeoutMs: STREAM_LIFE_MS, signal }, shape);
        for await (const message of messages) {
          pause = FIRST_PAUSE_MS;
          onMessage(message);
        }
      } catch {
        // Whoever reads the events meets the same trouble and reports it.
      }
      if (signal.aborted) return;
      await sleep(pause, undefined, { ref: false });
      pause = Math.min(2 * pause, MAX_PAUSE_MS);
      // Something may have happened while nobody listened.
      ringAll();
    }
  }

  async function followHeld(paymentHash: string, signal: AbortSignal): Promise<void> {
    const path = `/v2/invoices/subscribe/${urlBase64(paymentHash)}`;
    try {
      const messages = rest.stream({ path, timeoutMs: STREAM_LIFE_MS, signal }, invoiceShape);
      for await (const { state } of messages) {
        if (state !== 'OPEN') ringAll();
        if (state === 'SETTLED' || state === 'CANCELED') break;
      }
    } catch {
      // As above.
    }
    held.delete(paymentHash);
  }

  return {
    listen(ring) {
      listeners.add(ring);
      if (running === undefined) start();
      return () => {
        listeners.delete(ring);
        if (listeners.size > 0) return;
        running?.abort();
        running = undefined;
      };
    },
    watchHeld(paymentHash) {
      if (held.has(paymentHash) || held.size >= MAX_HELD_WATCHED) return;
      const stop = new AbortController();
      held.set(paymentHash, stop);
      void followHeld(paymentHash, stop.signal);
    },
    close() {
      listeners.clear();
      running?.abort();
      running = undefined;
      for (const stop of held.values()) stop.abort();
    },
  };
}
