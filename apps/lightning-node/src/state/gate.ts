import type { LogStore } from './log-store.ts';

/**
 * The output gate. What a peer, the chain's node or a client could act on (bytes, transactions,
 * answers) waits here until the state that it follows from is on the disk. So the process may die
 * at any moment: what others have seen of it, it still knows when it comes back.
 *
 * LDK alone does not give that: its manager and its monitors are written one after the other, and a
 * monitor that is newer than the manager makes LDK close the channel by force.
 */
export interface Gate {
  /** Lets `effect` out once everything that is staged by now is durable. */
  after(effect: () => void): void;
  /** Begins to commit, unless that is under way already. */
  flush(): void;
  /** Resolves when nothing is staged and nothing waits. */
  drained(): Promise<void>;
}

/**
 * @param options.snapshot stages the state that is held outside of the store; called right before
 *   each commit, with whether anything else is staged
 * @param options.onFailure a commit failed: nothing was let out, and the process must end
 */
export function createGate(options: {
  store: LogStore;
  snapshot: (hasStaged: boolean) => void;
  onFailure: (error: unknown) => void;
}): Gate {
  const { store, snapshot, onFailure } = options;
  let waiting: (() => void)[] = [];
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (;;) {
      // Nothing may come between these three: what waits now follows from what is staged now.
      const released = waiting;
      waiting = [];
      snapshot(store.hasStaged);
      if (released.length === 0 && !store.hasStaged) return;
      await store.commit();
      for (const effect of released) effect();
    }
  }

  function flush(): void {
    running ??= run()
      .catch(onFailure)
      .finally(() => {
        running = undefined;
        if (waiting.length > 0 || store.hasStaged) flush();
      });
  }

  return {
    after: (effect) => void waiting.push(effect),
    flush,
    async drained() {
      flush();
      while (running !== undefined) await running;
    },
  };
}
