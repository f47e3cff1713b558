import type { Database, Tx } from '../../apps/server/src/platform/db/index.ts';

export type CountedTransaction = {
  readonly statements: string[];
  /** How often it waited for the database: what is begun while nothing is answered is one wait. */
  waits: number;
};

/** A database that counts the waits of each of the system's transactions. */
export function countWaits(database: Database): {
  database: Database;
  transactions: CountedTransaction[];
} {
  const transactions: CountedTransaction[] = [];
  function counted(tx: Tx, into: CountedTransaction): Tx {
    let open = 0;
    let isClosing = false;
    async function watch<T>(text: string, send: () => Promise<T>): Promise<T> {
      into.statements.push(text);
      if (open === 0 && !isClosing) into.waits += 1;
      open += 1;
      try {
        return await send();
      } finally {
        open -= 1;
      }
    }
    return {
      query: (text, values) => watch(text, () => tx.query(text, values)),
      one: (text, values) => watch(text, () => tx.one(text, values)),
      maybe: (text, values) => watch(text, () => tx.maybe(text, values)),
      atCommit: (statements) =>
        tx.atCommit(() => {
          // They leave with COMMIT, which is counted.
          isClosing = true;
          return statements();
        }),
    };
  }
  const asSystem: Database['asSystem'] = (work) =>
    database.asSystem((tx) => {
      // COMMIT. BEGIN leaves with what is begun first.
      const into: CountedTransaction = { statements: [], waits: 1 };
      transactions.push(into);
      return work(counted(tx, into));
    });
  return { database: { ...database, asSystem }, transactions };
}
