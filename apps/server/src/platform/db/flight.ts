import pg from 'pg';

export type Answer = { readonly rows: unknown[]; readonly command: string };

/** A statement that waits for its answer. Each distinct text has one name, and is prepared once. */
export type Sent = {
  readonly name: string;
  readonly text: string;
  /** As they go over the wire. */
  readonly values: readonly (string | Buffer | null)[];
  resolve(answer: Answer): void;
  reject(error: unknown): void;
};

/** in_failed_sql_transaction (PostgreSQL, appendix A): an earlier statement failed. */
export const ECHO = '25P02';

type Column = { name: string; parse: (text: string) => unknown };
/** What is known of a prepared statement: its columns, once it was carried out for the first time. */
type Prepared = { columns: readonly Column[] | undefined };

/** By connection, as a server process prepares for itself. */
const preparedOn = new WeakMap<object, Map<string, Prepared>>();

/** Messages of PostgreSQL's protocol, as pg hands them to whoever runs a query. */
type RowDescription = { fields: readonly pg.FieldDef[] };
type DataRow = { fields: readonly (string | null)[] };
type CommandComplete = { text: string };

export type Flight = pg.Submittable & { handleError(error: unknown): void };

/**
 * Statements that leave in one packet and are answered in one, for `client.query` (pg calls such an
 * object a Submittable): one Sync stands behind all of them ("Pipelining" in PostgreSQL's chapter on
 * its protocol). They are carried out in sequence; after a failure the server passes over the rest.
 * Two processes that hand each answer over at once would wake each other for every statement, and
 * what a statement returns is described the first time only.
 * @param onEnd when all are answered or have failed
 */
export function createFlight(statements: readonly Sent[], onEnd: () => void): Flight {
  let at = 0;
  let rows: unknown[] = [];
  /** What is wrong with a row, which is the program's fault and not the connection's. */
  let misread: unknown;
  let prepared: Prepared[] = [];
  /** Statements that this flight has prepared anew, if it comes so far. */
  const fresh = new Set<Prepared>();
  let known: Map<string, Prepared> = new Map();

  function prepare(connection: pg.Connection, { name, text }: Sent): Prepared {
    const before = known.get(name);
    if (before !== undefined) return before;
    const made: Prepared = { columns: undefined };
    known.set(name, made);
    fresh.add(made);
    // Of a flight that failed it is not certain what was prepared; to close what is not there is no
    // error.
    connection.close({ type: 'S', name }, true);
    connection.parse({ name, text, types: [] }, true);
    return made;
  }

  function land(error?: unknown): void {
    if (at > statements.length) return;
    const failed = statements.slice(at);
    for (const [i, { name }] of statements.entries()) {
      const each = prepared[i];
      if (i >= at && each !== undefined && fresh.has(each)) known.delete(name);
    }
    at = statements.length + 1;
    const [first, ...others] = failed;
    first?.reject(error);
    for (const other of others) other.reject(error instanceof pg.DatabaseError ? echo() : error);
    onEnd();
  }

  const flight = {
    submit(connection: pg.Connection) {
      known = preparedOn.get(connection) ?? new Map<string, Prepared>();
      preparedOn.set(connection, known);
      connection.stream.cork();
      try {
        prepared = statements.map((statement) => {
          const isNew = !known.has(statement.name);
          const each = prepare(connection, statement);
          const values = [...statement.values];
          connection.bind({ portal: '', statement: statement.name, values }, true);
          if (isNew) connection.describe({ type: 'P', name: '' }, true);
          connection.execute({ portal: '' }, true);
          return each;
        });
        connection.sync();
      } finally {
        connection.stream.uncork();
      }
    },
    handleRowDescription({ fields }: RowDescription) {
      const columns = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }));
      const each = prepared[at];
      if (each !== undefined) each.columns = columns;
    },
    handleDataRow({ fields }: DataRow) {
      try {
        rows.push(rowOf(prepared[at]?.columns ?? [], fields));
      } catch (error) {
        misread ??= error;
      }
    },
    handleCommandComplete({ text }: CommandComplete) {
      const each = prepared[at];
      if (each !== undefined) each.columns ??= [];
      if (misread === undefined) statements[at]?.resolve({ rows, command: text });
      else statements[at]?.reject(misread);
      [rows, misread] = [[], undefined];
      at += 1;
    },
    handleEmptyQuery() {
      flight.handleCommandComplete({ text: '' });
    },
    handleReadyForQuery() {
      land();
    },
    handleError(error: unknown) {
      land(error);
    },
  };
  return flight;
}

function rowOf(
  columns: readonly Column[],
  fields: readonly (string | null)[],
): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const text = fields[i] ?? null;
    if (column !== undefined) row[column.name] = text === null ? null : column.parse(text);
  }
  return row;
}

function parserOf(oid: number): (text: string) => unknown {
  return oid === pg.types.builtins.INT8 ? BigInt : pg.types.getTypeParser(oid, 'text');
}

/** What the server would say of each of them. */
function echo(): Error {
  const text = 'current transaction is aborted, commands ignored until end of transaction block';
  return Object.assign(new Error(text), { code: ECHO });
}
