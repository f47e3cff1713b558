import { assert, isUuid, type Uuid } from '@quittance/kernel';
import pg from 'pg';
import { transact, type Tx } from './transaction.ts';
import { asAppError } from './unavailable.ts';

export interface Database {
  /** Works as one merchant: row-level security shows this merchant's rows and no others. */
  asTenant<T>(merchantId: Uuid, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Works across merchants: for the watcher, the workers and instance administration only. */
  asSystem<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * The same rights on connections of their own, for who has no merchant yet: payers' pages and
   * API keys being looked up. A crowd of them waits for itself, never the watcher or a worker.
   */
  asPublic<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Hears NOTIFY on a channel. Messages are doorbells: after a lost connection `onGap` is called,
   * because messages in between are gone and the truth has to be read again.
   */
  listen(channel: string, on: { message(payload: string): void; gap(): void }): Promise<Unlisten>;
  close(): Promise<void>;
}
export type Unlisten = () => Promise<void>;

export type DatabaseOptions = {
  appUrl: string;
  systemUrl: string;
  /** Connections for requests, for background work, and for who has no merchant yet. */
  maxAppConnections?: number;
  maxSystemConnections?: number;
  maxPublicConnections?: number;
  /** A server that has not answered for so long has vanished. Beyond the timeout of statements. */
  answerTimeoutMs?: number;
  /** How often the connection that hears NOTIFY is asked whether it is still there. */
  listenCheckMs?: number;
  onError?: (error: unknown) => void;
};

/** Waiting longer than this for a free connection means that the database can't keep up. */
const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of a request may hold its locks longer than this. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Beyond the statement timeout only a server that has vanished without a word gives no answer. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
const LISTEN_RECONNECT_MS = 250;
/** A cable that was pulled breaks no silent connection: it has to be asked, and to answer in time. */
const LISTEN_CHECK_MS = 10_000;
const LISTEN_ANSWER_TIMEOUT_MS = 5_000;

/** Opens the connection pools. Nothing is connected before the first use. */
export function openDatabase(options: DatabaseOptions): Database {
  const onError = options.onError ?? (() => {});
  const app = openPool(options.appUrl, options.maxAppConnections ?? 10, onError);
  const system = openPool(options.systemUrl, options.maxSystemConnections ?? 8, onError);
  const visitors = openPool(options.systemUrl, options.maxPublicConnections ?? 6, onError);
  const answerTimeoutMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  const listener = openListener(
    options.systemUrl,
    options.listenCheckMs ?? LISTEN_CHECK_MS,
    onError,
  );
  return {
    asTenant(merchantId, work) {
      assert(isUuid(merchantId), 'asTenant: the merchant id must be a UUID');
      return transact({ pool: app, answerTimeoutMs }, merchantId, work);
    },
    asSystem: (work) => transact({ pool: system, answerTimeoutMs }, null, work),
    asPublic: (work) => transact({ pool: visitors, answerTimeoutMs }, null, work),
    listen: listener.listen,
    async close() {
      await listener.close();
      await Promise.all([app.end(), system.end(), visitors.end()]);
    },
  };
}

function openPool(url: string, max: number, onError: (error: unknown) => void): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'quittance',
  });
  pool.on('error', onError);
  return pool;
}

type Listening = { message(payload: string): void; gap(): void };

function openListener(url: string, checkMs: number, onError: (error: unknown) => void) {
  const channels = new Map<string, Set<Listening>>();
  let client: pg.Client | undefined;
  let connecting: Promise<void> | undefined;
  let turn: Promise<void> = Promise.resolve();
  let closed = false;

  async function check(asked: pg.Client): Promise<void> {
    if (client !== asked) return;
    await asked.query('SELECT 1').catch((error: unknown) => {
      onError(error);
      // The question is still open, so this cuts the connection instead of taking leave.
      void asked.end();
    });
  }

  async function connect(): Promise<void> {
    let checking: NodeJS.Timeout | undefined;
    const next = new pg.Client({
      connectionString: url,
      application_name: 'quittance-listen',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: LISTEN_ANSWER_TIMEOUT_MS,
    });
    next.on('error', onError);
    next.on('notification', ({ channel, payload }) => {
      for (const on of channels.get(channel) ?? []) on.message(payload ?? '');
    });
    next.once('end', () => {
      clearInterval(checking);
      if (client !== next) return;
      client = undefined;
      reconnect();
    });
    await next.connect();
    client = next;
    let asking = false;
    checking = setInterval(() => {
      if (asking) return;
      asking = true;
      turn = turn
        .then(() => check(next))
        .finally(() => {
          asking = false;
        });
    }, checkMs).unref();
    turn = turn.then(async () => {
      for (const channel of channels.keys()) {
        await next.query(`LISTEN ${next.escapeIdentifier(channel)}`).catch(onError);
      }
    });
    await turn;
  }

  function reconnect(): void {
    if (closed) return;
    setTimeout(() => {
      if (closed || client !== undefined) return;
      connect().then(
        () => {
          for (const listening of channels.values()) for (const on of listening) on.gap();
        },
        (error: unknown) => {
          onError(error);
          reconnect();
        },
      );
    }, LISTEN_RECONNECT_MS);
  }

  return {
    async listen(channel: string, on: Listening): Promise<Unlisten> {
      const known = channels.get(channel);
      if (known !== undefined) known.add(on);
      else channels.set(channel, new Set([on]));
      connecting ??= connect().catch((error: unknown) => {
        connecting = undefined;
        throw asAppError(error);
      });
      await connecting;
      // One statement at a time on the one connection. Should it be lost just now, the channel is
      // listened to again with all others once it is back.
      turn = turn.then(async () => {
        await client?.query(`LISTEN ${client.escapeIdentifier(channel)}`).catch(onError);
      });
      await turn;
      return async () => {
        channels.get(channel)?.delete(on);
      };
    },
    async close() {
      closed = true;
      const last = client;
      client = undefined;
      await last?.end();
    },
  };
}
