import type { Order } from '@quittance/contract';
import type { Sats, Uuid } from '@quittance/kernel';
import { type Regtest, satsOf } from './regtest.ts';
import type { Shop } from './shop.ts';

/** What the suite knows of a payment because it made it, not because anybody told it. */
export type MadePayment = {
  order: Order;
  txid: string;
  /** How often it must have been announced as seen, as gone, and as thrown out of its block. */
  seen: number;
  gone: number;
  reorged: number;
};

type Output = { txid: string; vout: number; address: string; sats: Sats };
type Found = Output & { height: number | null };

type VerboseTransaction = {
  txid: string;
  vout: { n: number; value: string; scriptPubKey: { address?: string } }[];
};

function outputsOf({ txid, vout }: VerboseTransaction): Output[] {
  return vout.flatMap(({ n, value, scriptPubKey: { address } }) =>
    address === undefined ? [] : [{ txid, vout: n, address, sats: satsOf(value) }],
  );
}

/** Reads payments out of the node itself: active chain and mempool, nothing of ours in between. */
export function createChainReader(regtest: Regtest) {
  const outputsOfBlock = new Map<string, Output[]>();

  async function blockOutputs(hash: string): Promise<Output[]> {
    const known = outputsOfBlock.get(hash);
    if (known !== undefined) return known;
    const block = await regtest.rpc.call<{ tx: VerboseTransaction[] }>('getblock', [hash, 2]);
    const outputs = block.tx.flatMap(outputsOf);
    outputsOfBlock.set(hash, outputs);
    return outputs;
  }

  return async (addresses: ReadonlySet<string>, fromHeight: number) => {
    const tip = await regtest.rpc.call<number>('getblockcount');
    const found: Found[] = [];
    for (let height = fromHeight; height <= tip; height++) {
      const hash = await regtest.rpc.call<string>('getblockhash', [height]);
      for (const output of await blockOutputs(hash)) {
        if (addresses.has(output.address)) found.push({ ...output, height });
      }
    }
    for (const txid of await regtest.rpc.call<string[]>('getrawmempool')) {
      const raw = await regtest.rpc.call<VerboseTransaction>('getrawtransaction', [txid, 1]);
      for (const output of outputsOf(raw)) {
        if (addresses.has(output.address)) found.push({ ...output, height: null });
      }
    }
    return { tip, found };
  };
}

export type ChainReader = ReturnType<typeof createChainReader>;

/** What one store's orders and books must be, worked out anew from the chain. */
export type Book = { merchantId: Uuid; fromHeight: number; payments: MadePayment[] };

type Expected = { received: Sats; confirmed: Sats; status: string; settled: Sats; excess: Sats };

/** The rules of design §7 written down a second time, on purpose. */
function expectedOf(order: Order, found: readonly Found[], tip: number): Expected {
  const due = BigInt(order.dueSats);
  const tolerance = due / 100n;
  const sum = (list: readonly Found[]) => list.reduce((total, { sats }) => total + sats, 0n);
  const received = sum(found);
  const confirmed = sum(
    found.filter(
      ({ height }) => height !== null && tip - height + 1 >= order.requiredConfirmations,
    ),
  );
  const paid = confirmed >= due - tolerance;
  const over = paid && confirmed > due + tolerance;
  let status = 'PENDING';
  if (paid) status = over ? 'OVERPAID' : 'CONFIRMED';
  else if (received >= due - tolerance) status = 'UNCONFIRMED';
  else if (received > 0n) status = 'UNDERPAID';
  return {
    ...{ received, confirmed, status },
    settled: paid ? confirmed : 0n,
    excess: over ? confirmed - due : 0n,
  };
}

/** Compares what the server says about a store with the chain; gives every difference. */
export async function audit(shop: Shop, readChain: ChainReader, book: Book): Promise<string[]> {
  const faults: string[] = [];
  const compare = (what: string, is: unknown, must: unknown) => {
    if (is !== must) faults.push(`${what} is ${String(is)}, must be ${String(must)}`);
  };
  const orders = new Map(book.payments.map(({ order }) => [order.id, order]));
  const addresses = new Set([...orders.values()].map(({ address }) => address));
  const { tip, found } = await readChain(addresses, book.fromHeight);
  const sums = { posted: 0n, pending: 0n, settled: 0n, excess: 0n };
  const events = await shop.events(book.merchantId);
  for (const order of orders.values()) {
    const own = found.filter(({ address }) => address === order.address);
    const must = expectedOf(order, own, tip);
    const is = await shop.readOrder(order);
    const name = `order ${order.id.slice(-6)}`;
    compare(`${name}: status`, is.status, must.status);
    compare(`${name}: received`, is.receivedSats, must.received.toString());
    compare(`${name}: confirmed`, is.confirmedSats, must.confirmed.toString());
    const live = is.payments.filter(({ state }) => state !== 'replaced' && state !== 'dropped');
    compare(`${name}: payments`, linesOf(live), linesOf(own.map(rowOf)));
    sums.posted += must.confirmed;
    sums.pending += must.received - must.confirmed;
    sums.settled += must.settled;
    sums.excess += must.excess;
    faults.push(
      ...eventFaults(
        name,
        is,
        events.filter(({ orderId }) => orderId === order.id),
      ),
    );
  }
  const balances = await shop.balances(book.merchantId);
  const wanted = {
    'onchain.wallet': { posted: sums.posted, pending: sums.pending },
    'receipts.unapplied': { posted: sums.posted - sums.settled, pending: sums.pending },
    'merchant.available': { posted: sums.settled - sums.excess, pending: 0n },
    'customer.excess': { posted: sums.excess, pending: 0n },
  };
  for (const [code, must] of Object.entries(wanted)) {
    compare(`${code} posted`, balances[code]?.posted ?? 0n, must.posted);
    compare(`${code} pending`, balances[code]?.pending ?? 0n, must.pending);
  }
  for (const payment of book.payments) {
    const types = events.flatMap(({ type, data }) =>
      txidOf(data) === payment.txid ? [type.slice('order.payment_'.length)] : [],
    );
    const count = (...names: string[]) => types.filter((type) => names.includes(type)).length;
    const name = `payment ${payment.txid.slice(0, 8)} (${types.join(' ')})`;
    compare(`${name}: times seen`, count('seen'), payment.seen);
    compare(`${name}: times gone`, count('replaced', 'dropped'), payment.gone);
    compare(`${name}: times reorged`, count('reorged'), payment.reorged);
  }
  compare('the coins', await coinsOf(shop, book), linesOf(found.map(rowOf)));
  if (!(await shop.journalIsSound(book.merchantId))) faults.push('the journal does not verify');
  return faults;
}

/** The store's coins as they are on record; nobody spends them here. */
async function coinsOf(shop: Shop, { merchantId }: Book): Promise<string> {
  type CoinRow = { txid: string; vout: number; amount: string; height: number | null };
  const rows = await shop.sql<CoinRow>(
    `SELECT encode(txid, 'hex') AS txid, vout, value_sats AS amount, height FROM coin
      WHERE merchant_id = $1 AND live AND spent_by IS NULL`,
    [merchantId],
  );
  const turned = (hex: string) => (hex.match(/../g) ?? []).toReversed().join('');
  return linesOf(rows.map((row) => ({ ...row, txid: turned(row.txid), amountSats: row.amount })));
}

function rowOf({ txid, vout, sats, height }: Found) {
  return { txid, vout, amountSats: sats.toString(), height };
}

function linesOf(
  rows: readonly {
    txid: string | null;
    vout: number | null;
    amountSats: string;
    height: number | null;
  }[],
) {
  return rows
    .map((row) => `${row.txid?.slice(0, 8)}:${row.vout} ${row.amountSats} at ${row.height}`)
    .toSorted()
    .join(', ');
}

function txidOf(data: Record<string, unknown>): string | undefined {
  const { payment } = data;
  if (typeof payment !== 'object' || payment === null || !('txid' in payment)) return undefined;
  return String(payment.txid);
}

/** Events of a payment that may follow each. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  none: ['seen'],
  seen: ['confirmed', 'reorged', 'replaced', 'dropped'],
  confirmed: ['reorged'],
  reorged: ['confirmed', 'reorged', 'replaced', 'dropped'],
  replaced: ['seen'],
  dropped: ['seen'],
};
/** The events after which a payment can be in each state. */
const LAST: Readonly<Record<string, readonly string[]>> = {
  seen: ['seen', 'reorged'],
  included: ['seen', 'reorged'],
  confirmed: ['confirmed'],
  final: ['confirmed'],
  replaced: ['replaced', 'dropped'],
  dropped: ['dropped'],
};

/** Whether somebody who reads only the events comes to know exactly what the order is. */
function eventFaults(
  name: string,
  order: Order,
  events: readonly { type: string; data: Record<string, unknown> }[],
): string[] {
  const faults: string[] = [];
  let status = 'PENDING';
  const states = new Map<string, string>();
  for (const { type, data } of events) {
    if (type === 'order.status_changed') {
      if (data['previousStatus'] !== status || data['status'] === status) {
        faults.push(
          `${name}: ${String(data['status'])} was told from ${String(data['previousStatus'])} after ${status}`,
        );
      }
      status = String(data['status']);
    }
    const txid = txidOf(data);
    if (txid === undefined) continue;
    const step = type.slice('order.payment_'.length);
    const last = states.get(txid) ?? 'none';
    if (NEXT[last]?.includes(step) !== true) faults.push(`${name}: ${step} was told after ${last}`);
    states.set(txid, step);
  }
  if (status !== order.status)
    faults.push(`${name}: events end in ${status}, it is ${order.status}`);
  for (const { txid, state } of order.payments) {
    const last = states.get(String(txid)) ?? 'none';
    if (LAST[state]?.includes(last) !== true)
      faults.push(`${name}: ${state} after ${last} was told`);
  }
  const final = events.at(-1)?.data;
  if (final?.['receivedSats'] !== order.receivedSats)
    faults.push(`${name}: the last event has another sum`);
  if (final?.['confirmedSats'] !== order.confirmedSats)
    faults.push(`${name}: the last event has another confirmed sum`);
  return faults;
}
