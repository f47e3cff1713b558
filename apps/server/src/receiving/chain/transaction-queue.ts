/**
 * Pushed transactions that wait to be scanned. Bounded: at a flood or during a long catch-up it
 * overflows, says so once, and the mempool is read anew afterwards (mempool-flood).
 */
export type TransactionQueue = {
  push(raw: Uint8Array, seenAtMs: number): void;
  /** The oldest, at most so many; they are not waiting any more. */
  take(count: number): { raw: Uint8Array; seenAtMs: number }[];
  clear(): void;
  readonly length: number;
};

/** About ten seconds of the busiest mempool seen, and at most this many bytes. */
const MAX_TRANSACTIONS = 20_000;
const MAX_BYTES = 64 * 1024 * 1024;

export function createTransactionQueue(
  onOverflow: () => void,
  limits = { transactions: MAX_TRANSACTIONS, bytes: MAX_BYTES },
): TransactionQueue {
  let items: { raw: Uint8Array; seenAtMs: number }[] = [];
  let head = 0;
  let bytes = 0;

  function clear(): void {
    items = [];
    head = 0;
    bytes = 0;
  }

  return {
    push(raw, seenAtMs) {
      if (items.length - head >= limits.transactions || bytes + raw.length > limits.bytes) {
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
      for (const { raw } of taken) bytes -= raw.length;
      if (head === items.length) clear();
      else if (head > items.length / 2) {
        items = items.slice(head);
        head = 0;
      }
      return taken;
    },
    clear,
    get length() {
      return items.length - head;
    },
  };
}
