/** Those who wait for the end of something, by its key. */
export interface Waiting {
  /** Resolves at `done(key)` or after `timeoutMs`. */
  until(key: string, timeoutMs: number): Promise<void>;
  done(key: string): void;
}

export function createWaiting(): Waiting {
  const waiting = new Map<string, Set<() => void>>();
  return {
    until(key, timeoutMs) {
      return new Promise((resolve) => {
        const set = waiting.get(key) ?? new Set();
        waiting.set(key, set);
        const end = (): void => {
          clearTimeout(timer);
          set.delete(end);
          if (set.size === 0) waiting.delete(key);
          resolve();
        };
        const timer = setTimeout(end, timeoutMs);
        set.add(end);
      });
    },
    done(key) {
      for (const end of [...(waiting.get(key) ?? [])]) end();
    },
  };
}
