import { assert, isUuid, type Uuid } from '@quittance/kernel';
import pg from 'pg';
import { AppError } from '../errors.ts';

/** An open transaction. Every module's store takes one, so that effects commit together. */
export interface Tx {
  /** Runs one statement; text is constant SQL, since each distinct text is prepared once. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** @throws AssertionError unless exactly one row comes back */
  one<Row>(text: string, values?: readonly unknown[]): Promise<Row>;
  /** @throws AssertionError when more than one row comes back */
  maybe<Row>(text: string, values?: readonly unknown[]): Promise<Row | undefined>;
}

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
  /** How often the connection that hears NOTIFY is asked whether it is still there. */
  listenCheckMs?: number;
  onError?: (error: unknown) => void;
};

/** A transaction that lost a serialisation race or a deadlock is tried anew this often. */
const MAX_TRIES = 5;
/** Waiting longer than this for a free connection means that the database can't keep up. */
const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of a request may hold its locks longer than this. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Beyond the statement timeout only a server that has vanished without a word gives no answer. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** Each distinct statement text is prepared once; a text built from data would grow for ever. */
const MAX_STATEMENTS = 2_000;
const LISTEN_RECONNECT_MS = 250;
/** A cable that was pulled breaks no silent connection: it has to be asked, and to answer in time. */
const LISTEN_CHECK_MS = 10_000;
const LISTEN_ANSWER_TIMEOUT_MS = 5_000;
/** Serialisation failure and deadlock (PostgreSQL, appendix A). */
const RETRYABLE = new Set(['40001', '40P01']);
/** Classes of errors that say "the server is not there": connection, shutdown, starting up. */
const UNAVAILABLE = /^(08|57P0[123]|53300|53100)/;
const DISK_FULL = '53100';
const UNAVAILABLE_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
]);

const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === pg.types.builtins.INT8) return BigInt;
    return pg.types.getTypeParser(oid, format);
  },
};

/** Opens the connection pools. Nothing is connected before the first use. */
export function openDatabase(options: DatabaseOptions): Database {
  const onError = options.onError ?? (() => {});
  const app = openPool(options.appUrl, options.maxAppConnections ?? 10, onError);
  const system = openPool(options.systemUrl, options.maxSystemConnections ?? 8, onError);
  const visitors = openPool(options.systemUrl, options.maxPublicConnections ?? 6, onError);
  const listener = openListener(
    options.systemUrl,
    options.listenCheckMs ?? LISTEN_CHECK_MS,
    onError,
  );
  return {
    asTenant(merchantId, work) {
      assert(isUuid(merchantId), 'asTenant: the merchant id must be a UUID');
      return transact(app, `BEGIN; SET LOCAL quittance.merchant_id = '${merchantId}'`, work);
    },
    asSystem: (work) => transact(system, 'BEGIN', work),
    asPublic: (work) => transact(visitors, 'BEGIN', work),
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
    query_timeout: ANSWER_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'quittance',
    // Statements that are begun at once share a round trip (together.ts).
    pipeline: true,
    types,
  });
  pool.on('error', onError);
  return pool;
}

async function transact<T>(pool: pg.Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transactOnce(pool, begin, work);
    } catch (error) {
      if (attempt < MAX_TRIES && RETRYABLE.has(errorCode(error))) continue;
      throw asAppError(error);
    }
  }
}

async function transactOnce<T>(
  pool: pg.Pool,
  begin: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onClientError = (error: Error) => {
    broken = error;
  };
  client.on('error', onClientError);
  try {
    await client.query(begin);
    const result = await work(txOver(client));
    await client.query('COMMIT').catch((error: unknown) => {
      throw isUnavailable(error) ? commitUnknown(error) : error;
    });
    return result;
  } catch (error) {
    if (isUnanswered(error)) broken = error;
    else
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken = failure;
      });
    throw error;
  } finally {
    client.off('error', onClientError);
    client.release(broken);
  }
}

const statementNames = new Map<string, string>();

function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    assert(statementNames.size < MAX_STATEMENTS, 'too many distinct statements: bind the values');
    name = `q${statementNames.size}`;
    statementNames.set(text, name);
  }
  return name;
}

function txOver(client: pg.PoolClient): Tx {
  async function query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    sendTogether(client);
    const result = await client.query({ name: statementName(text), text, values: [...values] });
    return result.rows;
  }
  return {
    query,
    async one<Row>(text: string, values?: readonly unknown[]) {
      const rows = await query<Row>(text, values);
      const [row] = rows;
      assert(row !== undefined && rows.length === 1, `one row expected, got ${rows.length}`);
      return row;
    },
    async maybe<Row>(text: string, values?: readonly unknown[]) {
      const rows = await query<Row>(text, values);
      assert(rows.length <= 1, `at most one row expected, got ${rows.length}`);
      return rows[0];
    },
  };
}

/** What is begun in one go leaves in one packet: a system call for each statement is dearer than most. */
function sendTogether({ connection: { stream } }: pg.PoolClient): void {
  stream.cork();
  process.nextTick(() => stream.uncork());
}

function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** The words of pg, which gives these errors no code. */
const UNANSWERED = 'Query read timeout';
const UNAVAILABLE_TEXT =
  /timeout exceeded when trying to connect|Connection terminated|not queryable/;

function isUnanswered(error: unknown): error is Error {
  return error instanceof Error && error.message === UNANSWERED;
}

function isUnavailable(error: unknown): boolean {
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : '';
  const known = UNAVAILABLE.test(code) || UNAVAILABLE_SOCKET.has(code);
  return known || isUnanswered(error) || UNAVAILABLE_TEXT.test(message);
}

/** The connection was lost between COMMIT and its answer: it may have been carried out. */
function commitUnknown(cause: unknown): unknown {
  // An error of the server itself on a full disk is an answer: nothing was committed.
  if (errorCode(cause) === DISK_FULL) return cause;
  return new AppError(
    'database_unavailable',
    'The database was lost at the last moment, and it is not known whether this was done. Send it again with the same Idempotency-Key, or look whether it was done.',
    { retryAfterSeconds: 2, cause },
  );
}

/** Turns "the database is not there" into an answer that tells the caller to come back. */
function asAppError(error: unknown): unknown {
  if (error instanceof AppError || !isUnavailable(error)) return error;
  return new AppError(
    'database_unavailable',
    errorCode(error) === DISK_FULL
      ? 'The database has no disk space left. Nothing was changed; free space and try again.'
      : 'The database can not be reached just now. Nothing was changed; try again shortly.',
    { retryAfterSeconds: 2, cause: error },
  );
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
