import { AppError } from '../../platform/errors.ts';

/** Items of one key that are committed together: bounds a transaction's length. */
const MAX_BATCH = 200;

/** Items that may wait in this process: some seconds of work. More would only be answered late. */
const MAX_WAITING = 10_000;
/** Items of one key that may wait: half, so that one store's crowd leaves room for the others. */
const MAX_WAITING_OF_KEY = 5_000;

/**
 * Group commit: while one batch of a key is being committed, what arrives for the same key waits
 * and forms the next one. Nobody waits when there is no crowd.
 * @param options.isOfAll an error that says nothing about one item: the whole batch has it at once.
 *   With any other error each item is tried alone, so that one bad item does not fail its neighbours
 * @throws {AppError} overloaded when too many items wait
 */
export function createBatcher<Key, Item, Result>(
  commit: (key: Key, items: readonly Item[]) => Promise<readonly Result[]>,
  options: { isOfAll(error: unknown): boolean; maxWaiting?: number },
): (key: Key, item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve(result: Result): void; reject(error: unknown): void };
  const waiting = new Map<Key, Waiting[]>();
  const maxWaiting = options.maxWaiting ?? MAX_WAITING;
  let count = 0;

  async function drain(key: Key): Promise<void> {
    for (;;) {
      const queue = waiting.get(key);
      if (queue === undefined || queue.length === 0) {
        waiting.delete(key);
        return;
      }
      const batch = queue.splice(0, MAX_BATCH);
      await settle(key, batch);
      count -= batch.length;
    }
  }

  /** One bad item must not fail its neighbours. Once an error is everybody's, the rest has it too. */
  async function settleAlone(key: Key, batch: readonly Waiting[]): Promise<void> {
    let ofAll: { error: unknown } | undefined;
    for (const { item, resolve, reject } of batch) {
      if (ofAll !== undefined) {
        reject(ofAll.error);
        continue;
      }
      const alone = {
        item,
        resolve,
        reject(error: unknown) {
          if (options.isOfAll(error)) ofAll = { error };
          reject(error);
        },
      };
      await settle(key, [alone]);
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
      if (batch.length === 1 || options.isOfAll(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      await settleAlone(key, batch);
    }
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const crowd = waiting.get(key)?.length ?? 0;
      if (count >= maxWaiting || crowd >= MAX_WAITING_OF_KEY) {
        reject(overloaded());
        return;
      }
      count += 1;
      const entry = { item, resolve, reject };
      const queue = waiting.get(key);
      if (queue !== undefined) {
        queue.push(entry);
        return;
      }
      waiting.set(key, [entry]);
      // The requests that are already in the socket buffers come along.
      setImmediate(() => void drain(key));
    });
}

function overloaded(): AppError {
  return new AppError(
    'overloaded',
    'More orders are being asked for than can be made just now. Nothing was changed; try again shortly.',
    { retryAfterSeconds: 1 },
  );
}
