/**
 * Pushed transactions that wait to be scanned. Bounded: at a flood or during a long catch-up it
 * overflows, says so once, and the mempool is read anew afterwards (mempool-flood).
 */
export type TransactionQueue = {
  push(raw: Uint8Array, seenAtMs: number): void;
  shift(): { raw: Uint8Array; seenAtMs: number } | undefined;
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
    shift() {
      const item = items[head];
      if (item === undefined) return undefined;
      head += 1;
      bytes -= item.raw.length;
      if (head === items.length) clear();
      return item;
    },
    clear,
    get length() {
      return items.length - head;
    },
  };
}
