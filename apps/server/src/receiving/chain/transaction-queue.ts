export type Push = { readonly raw: Uint8Array; readonly seenAtMs: number };

/**
 * Pushed transactions that wait to be scanned. Bounded: beyond its limits it lets go of all that
 * waits and says so, and the mempool is read anew afterwards (mempool-flood).
 */
export type TransactionQueue = {
  push(raw: Uint8Array, seenAtMs: number): void;
  /** The oldest, at most so many; they are not waiting any more. */
  take(count: number): Push[];
  /** What was taken last, to be scanned again should an address turn out to be newer. */
  recent(): readonly Push[];
  /** Lets go of what waits. */
  clear(): void;
  readonly length: number;
};

/** About ten seconds of the busiest mempool seen, and at most this many bytes. */
const WAITING = { transactions: 20_000, bytes: 64 * 1024 * 1024 };
/** News of an address is at most moments behind a payment to it. */
const RECENT = { transactions: 2_000, bytes: 8 * 1024 * 1024 };

export function createTransactionQueue(
  onOverflow: () => void,
  limits = { waiting: WAITING, recent: RECENT },
): TransactionQueue {
  let items: Push[] = [];
  let head = 0;
  let bytes = 0;
  let recent: Push[] = [];

  function clear(): void {
    items = [];
    head = 0;
    bytes = 0;
  }

  return {
    push(raw, seenAtMs) {
      const { waiting } = limits;
      if (items.length - head >= waiting.transactions || bytes + raw.length > waiting.bytes) {
        clear();
        onOverflow();
        return;
      }
      items.push({ raw, seenAtMs });
      bytes += raw.length;
    },
    take(count) {
      const taken = items.slice(head, head + count);
      head += taken.length;
      bytes -= sizeOf(taken);
      if (head === items.length) clear();
      else if (head > items.length / 2) {
        items = items.slice(head);
        head = 0;
      }
      recent = lastOf([...recent, ...taken], limits.recent);
      return taken;
    },
    recent: () => recent,
    clear,
    get length() {
      return items.length - head;
    },
  };
}

function sizeOf(pushes: readonly Push[]): number {
  return pushes.reduce((sum, { raw }) => sum + raw.length, 0);
}

function lastOf(pushes: Push[], limit: { transactions: number; bytes: number }): Push[] {
  const kept = pushes.slice(-limit.transactions);
  let excess = sizeOf(kept) - limit.bytes;
  let at = 0;
  for (; excess > 0 && at < kept.length; at++) excess -= kept[at]?.raw.length ?? 0;
  return at === 0 ? kept : kept.slice(at);
}
