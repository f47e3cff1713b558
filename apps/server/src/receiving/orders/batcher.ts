import { AppError } from '../../platform/errors.ts';

/** Items of one key that are committed together: bounds a transaction's length. */
const MAX_BATCH = 200;
/** Items of one key that may wait: some seconds of work; beyond it the caller should come back. */
const MAX_WAITING = 5_000;
const RETRY_AFTER_SECONDS = 5;

/**
 * Group commit: while one batch of a key is being committed, what arrives for the same key waits
 * and forms the next one. Nobody waits when there is no crowd.
 */
export function createBatcher<Key, Item, Result>(
  commit: (key: Key, items: readonly Item[]) => Promise<readonly Result[]>,
): (key: Key, item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve(result: Result): void; reject(error: unknown): void };
  const waiting = new Map<Key, Waiting[]>();

  async function drain(key: Key): Promise<void> {
    for (;;) {
      const queue = waiting.get(key);
      if (queue === undefined || queue.length === 0) {
        waiting.delete(key);
        return;
      }
      await settle(key, queue.splice(0, MAX_BATCH));
    }
  }

  async function settle(key: Key, batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await commit(
        key,
        batch.map(({ item }) => item),
      );
      batch.forEach(({ resolve, reject }, i) => {
        const result = results[i];
        if (result === undefined) reject(new Error('the batch gave too few results'));
        else resolve(result);
      });
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1 && only !== undefined) {
        only.reject(error);
        return;
      }
      // Trying each alone would let everybody wait for the same nothing, one after the other.
      if (error instanceof AppError && error.code === 'database_unavailable') {
        for (const { reject } of batch) reject(error);
        return;
      }
      // One bad item must not fail its neighbours: each is tried alone.
      for (const each of batch) await settle(key, [each]);
    }
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const entry = { item, resolve, reject };
      const queue = waiting.get(key);
      if (queue !== undefined && queue.length >= MAX_WAITING) {
        const options = { retryAfterSeconds: RETRY_AFTER_SECONDS };
        reject(new AppError('rate_limited', 'More orders are waiting than can be made.', options));
        return;
      }
      if (queue !== undefined) {
        queue.push(entry);
        return;
      }
      waiting.set(key, [entry]);
      // The requests that are already in the socket buffers come along.
      setImmediate(() => void drain(key));
    });
}
