import type { MonitoringConfig } from './config.ts';
import { advance } from './engine.ts';
import type { Finding } from './finding.ts';
import type { Movement } from './movement.ts';
import { type ReadState, type State, type StateKind, type StateOf, stateKey } from './state.ts';

/** Monitoring that keeps its states in memory: for backtests, measures and tests. */
export function monitorInMemory(config: MonitoringConfig): {
  take(movement: Movement): readonly Finding[];
  /** How many states are kept. */
  size(): number;
  entries(): IterableIterator<[string, State]>;
} {
  const kept = new Map<string, State>();
  const read: ReadState = <Kind extends StateKind>(kind: Kind, subject: string) =>
    // Under a kind's key there are states of that kind only: advance() wrote them.
    kept.get(stateKey(kind, subject)) as StateOf[Kind] | undefined;
  return {
    take(movement) {
      const { writes, findings } = advance(read, movement, config);
      for (const { kind, subject, state } of writes) {
        const key = stateKey(kind, subject);
        if (state === null) kept.delete(key);
        else kept.set(key, state);
      }
      return findings;
    },
    size: () => kept.size,
    entries: () => kept.entries(),
  };
}
