import { assert } from '@quittance/kernel';
import type pg from 'pg';
import { isEcho, together } from './together.ts';
import {
  asAppError,
  commitUnknown,
  errorCode,
  isUnanswered,
  isUnavailable,
} from './unavailable.ts';

/** An open transaction. Every module's store takes one, so that effects commit together. */
export interface Tx {
  /** Runs one statement; text is constant SQL, since each distinct text is prepared once. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** @throws AssertionError unless exactly one row comes back */
  one<Row>(text: string, values?: readonly unknown[]): Promise<Row>;
  /** @throws AssertionError when more than one row comes back */
  maybe<Row>(text: string, values?: readonly unknown[]): Promise<Row | undefined>;
  /**
   * Has statements go out with COMMIT, in one round trip and with their locks held no longer than it
   * takes. They are all begun when they are asked for: what waits for an answer first is refused.
   */
  atCommit(statements: Closing): void;
}
type Closing = () => readonly Promise<unknown>[];

/** A transaction that lost a serialisation race or a deadlock is tried anew this often. */
const MAX_TRIES = 5;
/** Each distinct statement text is prepared once; a text built from data would grow for ever. */
const MAX_STATEMENTS = 2_000;
/** Serialisation failure and deadlock (PostgreSQL, appendix A). */
const RETRYABLE = new Set(['40001', '40P01']);

/**
 * Runs work in a transaction of its own, anew when it lost a race.
 * @param options.readsFirst what the work begins before its first answer only reads and locks, so that
 *   it may go out together with BEGIN: it would do no harm outside a transaction. Should BEGIN be
 *   refused, nothing more is sent
 */
export async function transact<T>(
  pool: pg.Pool,
  begin: string,
  work: (tx: Tx) => Promise<T>,
  options: { readsFirst?: boolean } = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transactOnce(pool, begin, work, options.readsFirst === true);
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
  readsFirst: boolean,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onClientError = (error: Error) => {
    broken = error;
  };
  client.on('error', onClientError);
  const { tx, closing, end } = openTransaction(client);
  try {
    sendTogether(client);
    const begun = client.query(begin);
    // Known before any answer to what was begun behind it.
    begun.catch(end);
    if (!readsFirst) await begun;
    const [, result] = await together([begun, work(tx)]);
    await commit(client, closing, end);
    return result;
  } catch (error) {
    end();
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

async function commit(
  client: pg.PoolClient,
  closing: readonly Closing[],
  end: () => void,
): Promise<void> {
  const last = closing.flatMap((statements) => statements());
  end();
  const [outcome, ...answers] = await Promise.allSettled([client.query('COMMIT'), ...last]);
  if (outcome.status === 'rejected') {
    throw isUnavailable(outcome.reason) ? commitUnknown(outcome.reason) : outcome.reason;
  }
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? answer.reason : []));
  if (failures.length > 0) throw failures.find((failure) => !isEcho(failure)) ?? failures[0];
  // To commit a transaction that has failed is no error: the answer is that it was rolled back.
  assert(outcome.value.command === 'COMMIT', 'a statement of the transaction failed unnoticed');
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

/** A transaction over a connection, with what is to go out with its COMMIT, until it is ended. */
function openTransaction(client: pg.PoolClient): { tx: Tx; closing: Closing[]; end: () => void } {
  const closing: Closing[] = [];
  let isOver = false;
  async function query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    assert(!isOver, 'the transaction is over: nothing may be done in its name');
    sendTogether(client);
    const result = await client.query({ name: statementName(text), text, values: [...values] });
    return result.rows;
  }
  const tx: Tx = {
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
    atCommit(statements) {
      closing.push(statements);
    },
  };
  return {
    tx,
    closing,
    end() {
      isOver = true;
    },
  };
}

/** What is begun in one go leaves in one packet: a system call for each statement is dearer than most. */
function sendTogether({ connection: { stream } }: pg.PoolClient): void {
  stream.cork();
  process.nextTick(() => stream.uncork());
}
