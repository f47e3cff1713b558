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
  const waiting = makeRow();
  const recent = makeRow();
  return {
    push(raw, seenAtMs) {
      const limit = limits.waiting;
      if (waiting.length >= limit.transactions || waiting.bytes + raw.length > limit.bytes) {
        waiting.clear();
        onOverflow();
        return;
      }
      waiting.add({ raw, seenAtMs });
    },
    take(count) {
      const taken = waiting.take(count);
      for (const push of taken) recent.add(push);
      const limit = limits.recent;
      while (recent.length > limit.transactions || recent.bytes > limit.bytes) recent.take(1);
      return taken;
    },
    recent: () => recent.all(),
    clear: () => waiting.clear(),
    get length() {
      return waiting.length;
    },
  };
}

/** Pushes in their order with the sum of their bytes; nothing is counted or copied again. */
function makeRow() {
  let items: Push[] = [];
  let head = 0;
  let bytes = 0;
  return {
    add(push: Push): void {
      items.push(push);
      bytes += push.raw.length;
    },
    take(count: number): Push[] {
      const taken = items.slice(head, head + count);
      head += taken.length;
      for (const { raw } of taken) bytes -= raw.length;
      if (head > items.length / 2) {
        items = items.slice(head);
        head = 0;
      }
      return taken;
    },
    all: (): Push[] => items.slice(head),
    clear(): void {
      items = [];
      head = 0;
      bytes = 0;
    },
    get length() {
      return items.length - head;
    },
    get bytes() {
      return bytes;
    },
  };
}
