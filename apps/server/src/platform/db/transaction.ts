import { assert, type Uuid } from '@quittance/kernel';
import type pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import { setDeadline } from '../loops/index.ts';
import { type Answer, createFlight, type Sent } from './flight.ts';
import { together } from './together.ts';
import {
  asAppError,
  commitUnknown,
  errorCode,
  isUnanswered,
  isUnavailable,
  unanswered,
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
   * takes. They are all begun when they are asked for: what waits for an answer first is refused. Their
   * answers are not to be checked: when they are there, all is committed.
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

/** Connections, and after how long without an answer one of them is given up. */
export type Over = { readonly pool: pg.Pool; readonly answerTimeoutMs: number };

/**
 * Runs work in a transaction of its own, anew when it lost a race.
 * @param merchantId whose rows are shown; null: all that the pool's role may see
 */
export async function transact<T>(
  over: Over,
  merchantId: Uuid | null,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transactOnce(over, merchantId, work);
    } catch (error) {
      if (attempt < MAX_TRIES && RETRYABLE.has(errorCode(error))) continue;
      throw asAppError(error);
    }
  }
}

async function transactOnce<T>(
  over: Over,
  merchantId: Uuid | null,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const client = await over.pool.connect();
  let broken: Error | undefined;
  const onClientError = (error: Error) => {
    broken = error;
  };
  client.on('error', onClientError);
  const { tx, send, commit, end } = openTransaction(client, over.answerTimeoutMs);
  try {
    // They leave with what the work begins first, and if they are refused so is that.
    const begun = together([
      send(BEGIN),
      ...(merchantId === null ? [] : [send(AS_MERCHANT, [merchantId])]),
    ]);
    begun.catch(end);
    const working = work(tx);
    const result = await working.catch(() => together([begun, working]).then(([, value]) => value));
    // Work that only asked for something at its end has not waited for BEGIN, nor has its COMMIT to.
    await together([commit(), begun]);
    return result;
  } catch (error) {
    end();
    if (isUnanswered(error)) broken = error;
    else
      await send(ROLLBACK).catch((failure: Error) => {
        broken = failure;
      });
    throw error;
  } finally {
    client.off('error', onClientError);
    client.release(broken);
  }
}

const BEGIN = 'BEGIN';
const ROLLBACK = 'ROLLBACK';
const AS_MERCHANT = `SELECT set_config('quittance.merchant_id', $1, true)`;

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

/** A transaction over a connection, with what begins and ends it. */
function openTransaction(client: pg.PoolClient, answerTimeoutMs: number) {
  const send = openLine(client, answerTimeoutMs);
  const closing: Closing[] = [];
  let isOver = false;

  async function query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    assert(!isOver, 'the transaction is over: nothing may be done in its name');
    const { rows } = await send(text, values);
    return rows as Row[];
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
  const end = () => {
    isOver = true;
  };
  return {
    tx,
    send,
    end,
    async commit(): Promise<void> {
      const last: Promise<unknown>[] = [];
      for (const statements of closing) {
        for (const each of statements()) {
          // Heard below; should a later one throw instead of beginning, nobody else would hear it.
          each.catch(() => undefined);
          last.push(each);
        }
      }
      end();
      const committed = send('COMMIT').catch((error: unknown) => {
        throw isUnavailable(error) ? commitUnknown(error) : error;
      });
      // If the connection is lost, that of COMMIT says best what is not known.
      const [{ command }] = await together([committed, ...last]);
      // To commit a transaction that has failed is no error: the answer is that it was rolled back.
      assert(command === 'COMMIT', 'a statement of the transaction failed unnoticed');
    },
  };
}

/**
 * Sends statements over a connection: all that are begun in one go in one flight, and what is begun
 * meanwhile in the next one.
 */
function openLine(
  client: pg.PoolClient,
  answerTimeoutMs: number,
): (text: string, values?: readonly unknown[]) => Promise<Answer> {
  let waiting: Sent[] = [];
  /** Why there is no transaction: whatever else was to be sent would be carried out by itself. */
  let refusal: { error: unknown } | undefined;
  let isFlying = false;
  let isCalled = false;

  function depart(): void {
    isCalled = false;
    if (isFlying || waiting.length === 0) return;
    isFlying = true;
    const statements = waiting;
    waiting = [];
    const flight = createFlight(statements, () => {
      answered();
      isFlying = false;
      call();
    });
    const answered = setDeadline(answerTimeoutMs, () => {
      flight.handleError(unanswered());
      // What might still come is not for whoever asks next.
      client.connection.stream.destroy();
    });
    client.query(flight);
  }

  function call(): void {
    if (isCalled) return;
    isCalled = true;
    process.nextTick(depart);
  }

  function refuse(error: unknown): void {
    refusal = { error };
    const lost = waiting;
    waiting = [];
    for (const { reject } of lost) reject(error);
  }

  return async (text, values = []) => {
    try {
      return await new Promise((resolve, fail) => {
        if (refusal !== undefined && text !== ROLLBACK) return fail(refusal.error);
        const reject = (error: unknown) => {
          // At once, before what waits is sent.
          if (text === BEGIN) refuse(error);
          fail(error);
        };
        const name = statementName(text);
        const wired = values.map((value) => prepareValue(value));
        waiting.push({ name, text, values: wired, resolve, reject });
        call();
      });
    } catch (error) {
      // From where it was asked, and not from where the answer was read.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    }
  };
}
