import { setTimeout as sleep } from 'node:timers/promises';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './postgres.ts';

/** Pauses before the server is started again, from the first to the last, doubling. */
const FIRST_PAUSE_MS = 250;
/** Somebody who has just freed disk space waits no longer than this. */
const LAST_PAUSE_MS = 10_000;

export interface KeptPostgres {
  /** Stays the same however often the server is started again. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * An embedded server that is started again when it ends by itself: it does so when its disk is full
 * in the middle of a commit (PostgreSQL: PANIC), and nobody else would start it.
 * @throws {EmbeddedPostgresError} when it can't be started the first time
 */
export async function keepEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<KeptPostgres> {
  const { log } = options;
  const ending = new AbortController();
  let server = await startEmbeddedPostgres(options);
  const { url, port } = server;

  async function keep(): Promise<void> {
    for (;;) {
      const how = await server.exited;
      if (ending.signal.aborted) return;
      log.warn(`the database server ended by itself (${how}): starting it again`);
      const next = await startAgain();
      if (next === undefined) return;
      server = next;
      if (ending.signal.aborted) return;
    }
  }

  async function startAgain(): Promise<EmbeddedPostgres | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
      await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined);
      if (ending.signal.aborted) return undefined;
      try {
        return await startEmbeddedPostgres({ ...options, port });
      } catch (error) {
        log.warn(error instanceof Error ? error.message : String(error));
      }
    }
  }

  const keeping = keep();
  return {
    url,
    async stop() {
      ending.abort();
      await server.stop();
      // One that was being started just then is another.
      await keeping;
      await server.stop();
    },
  };
}
