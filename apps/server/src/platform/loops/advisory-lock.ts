import { createHash } from 'node:crypto';
import pg from 'pg';
import { backOffMs } from './loop.ts';

export type AdvisoryLockOptions = {
  /** Called when this process holds the lock; the work starts here. */
  onAcquired(): Promise<void> | void;
  /** Called when it doesn't any more; must stop the work. The lock is asked for again after it. */
  onLost(): Promise<void> | void;
  onError(error: unknown): void;
  /** How often a standby asks, and a holder makes sure. */
  checkEveryMs?: number;
};

export interface AdvisoryLock {
  readonly held: boolean;
  /** Stops the work if held (onLost), then lets go, so that a standby takes over at once. */
  stop(): Promise<void>;
}

/** A standby takes over within about this time after the holder has gone. */
const CHECK_EVERY_MS = 1_000;
/** A server that doesn't answer so long is taken for gone, and the lock for lost. */
const ANSWER_TIMEOUT_MS = 5_000;
/** With these the server notices a vanished machine after 5 + 3 × 2 s and frees its lock. */
const SERVER_KEEP_ALIVE =
  'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3';

/** A key for a name such as "watcher:mainnet": the first 64 bits of its SHA-256, signed. */
export function advisoryKey(name: string): bigint {
  return createHash('sha256').update(`quittance ${name}`).digest().readBigInt64BE();
}

/**
 * Elects one process among many: a session-level advisory lock of PostgreSQL on a connection of
 * its own. For a moment after a network fault two processes can both believe they hold it (the
 * holder hears of its loss late), so the work itself must also be guarded by what it writes: a
 * cursor row that each step locks and compares. The connection must go to PostgreSQL itself or a
 * pooler in session mode.
 */
export function holdAdvisoryLock(
  url: string,
  key: bigint,
  options: AdvisoryLockOptions,
): AdvisoryLock {
  const everyMs = options.checkEveryMs ?? CHECK_EVERY_MS;
  let held = false;
  let stopped = false;
  let interrupt: (() => void) | undefined;

  function pause(ms: number): Promise<void> {
    if (stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        interrupt = undefined;
        resolve();
      }
      interrupt = done;
    });
  }

  /** One connection's life: ask until held, work until lost. Returns when it should end. */
  async function serve(client: pg.Client, gone: () => boolean): Promise<void> {
    await client.query(SERVER_KEEP_ALIVE);
    while (!stopped && !gone()) {
      if (held) await client.query('SELECT 1');
      else if (await tryLock(client, key)) {
        held = true;
        await options.onAcquired();
      }
      // A connection that ended in between must not wait out the pause.
      if (!gone()) await pause(everyMs);
    }
  }

  async function session(): Promise<void> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'quittance-lock',
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
    });
    let gone = false;
    const onGone = () => {
      gone = true;
      interrupt?.();
    };
    client.on('error', onGone);
    client.on('end', onGone);
    try {
      await client.connect();
      await serve(client, () => gone);
      if (gone && !stopped) throw new Error('the connection that holds the lock was lost');
    } finally {
      await giveUp();
      await client.end().catch(() => {});
    }
  }

  async function giveUp(): Promise<void> {
    if (!held) return;
    held = false;
    await options.onLost();
  }

  async function keepTrying(): Promise<void> {
    let failures = 0;
    while (!stopped) {
      const startedHeld = held;
      try {
        await session();
        failures = 0;
      } catch (error) {
        failures = startedHeld ? 1 : failures + 1;
        options.onError(error);
        await pause(backOffMs(Math.min(failures, 4), Math.random()));
      }
    }
  }

  const working = keepTrying();
  return {
    get held() {
      return held;
    },
    async stop() {
      stopped = true;
      interrupt?.();
      await working;
    },
  };
}

async function tryLock(client: pg.Client, key: bigint): Promise<boolean> {
  const result = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock($1) AS locked',
    [key.toString()],
  );
  return result.rows[0]?.locked === true;
}
