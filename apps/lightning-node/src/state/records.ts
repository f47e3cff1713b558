import type { WireEvent, WireFailure, WireOutcome } from '../protocol.ts';
import type { LogStore } from './log-store.ts';
import { createRetention } from './retention.ts';

/** Amounts are decimal strings of millisatoshis here, as JSON has no whole numbers that large. */
export type InvoiceRecord = {
  paymentHash: string;
  bolt11: string;
  amountMsat: string | null;
  expiresAtMs: number;
  isHold: boolean;
  /** claiming: the preimage is given out, LDK's confirmation is yet to come. */
  state: 'open' | 'held' | 'claiming' | 'settled' | 'cancelled';
  receivedMsat: string;
  settledAtMs: number | null;
  preimage: string | null;
  /** Block at which a held payment is given back, and the moment. */
  heldUntilHeight: number | null;
  heldUntilMs: number | null;
};

export type PaymentRecord = {
  paymentHash: string;
  kind: 'bolt11' | 'keysend';
  amountMsat: string;
  maxFeeMsat: string;
  startedAtMs: number;
  /** No new try after this. */
  stopAtMs: number;
  /** Of the invoice; null where there is none. */
  expiresAtMs: number | null;
  /** What the last failed path said. */
  lastFailure: WireFailure | null;
  /** Null while it is on its way. */
  outcome: Extract<WireOutcome, { state: 'succeeded' | 'failed' }> | null;
};

export type Settings = {
  incoming: 'accept' | 'reject' | 'hold';
  acceptKeysend: boolean;
  online: boolean;
  listenPort: number | null;
};

/** Records of our own, in the same log and the same transactions as LDK's. */
export interface Records {
  invoice(paymentHash: string): InvoiceRecord | null;
  putInvoice(record: InvoiceRecord): void;
  heldInvoices(): InvoiceRecord[];
  payment(paymentHash: string): PaymentRecord | null;
  putPayment(record: PaymentRecord): void;
  openPayments(): PaymentRecord[];
  /** Adds to the journal and rings. */
  tell(event: EventBody): void;
  events(after: number, limit: number): WireEvent[];
  readonly lastEvent: number;
  peers(): ReadonlyMap<string, string>;
  putPeer(nodeId: string, address: string | null): void;
  settings(): Settings;
  putSettings(change: Partial<Settings>): void;
}

type Without<T> = T extends unknown ? Omit<T, 'cursor'> : never;
export type EventBody = Without<WireEvent>;

/**
 * So many events are kept. Whoever asks for older ones gets the oldest that are there, and looks
 * the rest up by payment hash.
 */
const MAX_JOURNAL = 50_000;
/**
 * Invoices and payments that are kept at least, as many as there are events of. Older ones go when
 * they are over for a day: then no invoice of that hash can be paid any more, in or out, and whoever
 * follows this node has long been told.
 */
const MAX_RECORDS = 50_000;
const KEPT_AFTER_END_MS = 86_400_000;
const DIGITS = 12;

const INVOICE = 'invoice/';
const PAYMENT = 'payment/';
const EVENT = 'event/';
const PEER = 'peer/';
const SETTINGS = 'settings';
const DEFAULTS: Settings = {
  incoming: 'accept',
  acceptKeysend: true,
  online: true,
  listenPort: null,
};

/**
 * Reads the records of a log.
 * @param options.onEvent hears of a new event before it is durable
 */
export function openRecords(
  store: LogStore,
  options: { onEvent(cursor: number): void; nowMs(): number; maxRecords?: number },
): Records {
  const { onEvent, nowMs, maxRecords: max = MAX_RECORDS } = options;
  const read = <T>(key: string): T | null => {
    const bytes = store.get(key);
    return bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
  };
  const write = (key: string, value: unknown): void =>
    store.put(key, Buffer.from(JSON.stringify(value)));
  const eventKey = (cursor: number): string => EVENT + String(cursor).padStart(DIGITS, '0');
  const cursors = store.keys(EVENT).map((key) => Number(key.slice(EVENT.length)));
  let [first, last] = cursors.length === 0 ? [1, 0] : bounds(cursors);
  // What is open is few; finding it among all that ever was would cost more with each payment.
  const held = new Set<string>();
  const open = new Set<string>();
  const invoices: [hash: string, atMs: number][] = [];
  for (const key of store.keys(INVOICE)) {
    const record = read<InvoiceRecord>(key);
    if (record === null) continue;
    if (record.state === 'held') held.add(record.paymentHash);
    invoices.push([record.paymentHash, record.expiresAtMs]);
  }
  const payments: [hash: string, atMs: number][] = [];
  for (const key of store.keys(PAYMENT)) {
    const record = read<PaymentRecord>(key);
    if (record === null) continue;
    if (record.outcome === null) open.add(record.paymentHash);
    payments.push([record.paymentHash, record.startedAtMs]);
  }
  const peers = new Map<string, string>();
  for (const key of store.keys(PEER)) peers.set(key.slice(PEER.length), read<string>(key) ?? '');
  const all = <T>(hashes: ReadonlySet<string>, one: (hash: string) => T | null): T[] =>
    [...hashes].flatMap((hash) => one(hash) ?? []);
  const invoice = (hash: string) => read<InvoiceRecord>(INVOICE + hash);
  const payment = (hash: string) => read<PaymentRecord>(PAYMENT + hash);
  const longOver = (endMs: number) => endMs + KEPT_AFTER_END_MS < nowMs();
  const keptInvoices = createRetention({
    ...{ max, known: oldestFirst(invoices), remove: (hash) => store.remove(INVOICE + hash) },
    mayGo(hash) {
      const record = invoice(hash);
      const isOpen = record?.state === 'held' || record?.state === 'claiming';
      return record === null || (!isOpen && longOver(record.expiresAtMs));
    },
  });
  const keptPayments = createRetention({
    ...{ max, known: oldestFirst(payments), remove: (hash) => store.remove(PAYMENT + hash) },
    mayGo(hash) {
      const record = payment(hash);
      if (record === null) return true;
      // An invoice that has ended is not paid again, so its hash need not be remembered for that.
      return record.outcome !== null && longOver(record.expiresAtMs ?? record.startedAtMs);
    },
  });

  return {
    invoice,
    putInvoice(record) {
      write(INVOICE + record.paymentHash, record);
      if (record.state === 'held') held.add(record.paymentHash);
      else held.delete(record.paymentHash);
      keptInvoices.add(record.paymentHash);
    },
    heldInvoices: () => all(held, invoice),
    payment,
    putPayment(record) {
      write(PAYMENT + record.paymentHash, record);
      if (record.outcome === null) open.add(record.paymentHash);
      else open.delete(record.paymentHash);
      keptPayments.add(record.paymentHash);
    },
    openPayments: () => all(open, payment),
    tell(event) {
      last += 1;
      write(eventKey(last), { ...event, cursor: last });
      for (; last - first >= MAX_JOURNAL; first++) store.remove(eventKey(first));
      onEvent(last);
    },
    events(after, limit) {
      const found: WireEvent[] = [];
      for (let at = Math.max(after + 1, first); at <= last && found.length < limit; at++) {
        const event = read<WireEvent>(eventKey(at));
        if (event !== null) found.push(event);
      }
      return found;
    },
    get lastEvent() {
      return last;
    },
    peers: () => peers,
    putPeer(nodeId, address) {
      if (address === null) {
        peers.delete(nodeId);
        store.remove(PEER + nodeId);
      } else {
        peers.set(nodeId, address);
        write(PEER + nodeId, address);
      }
    },
    settings: () => ({ ...DEFAULTS, ...read<Partial<Settings>>(SETTINGS) }),
    putSettings: (change) =>
      write(SETTINGS, { ...DEFAULTS, ...read<Partial<Settings>>(SETTINGS), ...change }),
  };
}

function oldestFirst(records: readonly [hash: string, atMs: number][]): string[] {
  return records.toSorted(([, a], [, b]) => a - b).map(([hash]) => hash);
}

function bounds(values: readonly number[]): [number, number] {
  let [low, high] = [Number.MAX_SAFE_INTEGER, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}
