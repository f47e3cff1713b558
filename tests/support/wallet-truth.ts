import type { Sats, Uuid } from '@quittance/kernel';
import { type Regtest, satsOf } from './regtest.ts';
import type { Shop } from './shop.ts';

/** Further than any test derives. */
const SCANNED_RANGE = 300;

type Scanned = { unspents: { txid: string; vout: number; amount: string }[] };
type VerboseTransaction = {
  txid: string;
  vin: { txid?: string; vout?: number }[];
  vout: { n: number; value: string; scriptPubKey: { address?: string } }[];
};

/** The unspent coins of a descriptor with the branches 0 and 1, as the node alone sees them. */
export async function coinsOfNode(
  regtest: Regtest,
  descriptor: string,
): Promise<Map<string, Sats>> {
  const branches = [0, 1].map((branch) => descriptor.replace('<0;1>', String(branch)));
  const scanned = await regtest.rpc.call<Scanned>('scantxoutset', [
    'start',
    branches.map((desc) => ({ desc, range: SCANNED_RANGE })),
  ]);
  const coins = new Map(
    scanned.unspents.map(({ txid, vout, amount }) => [`${txid}:${vout}`, satsOf(amount)]),
  );
  const own = new Set<string>();
  for (const desc of branches) {
    const info = await regtest.rpc.call<{ checksum: string }>('getdescriptorinfo', [desc]);
    const range = [`${desc}#${info.checksum}`, [0, SCANNED_RANGE]];
    for (const address of await regtest.rpc.call<string[]>('deriveaddresses', range)) {
      own.add(address);
    }
  }
  const spent: string[] = [];
  for (const txid of await regtest.rpc.call<string[]>('getrawmempool')) {
    const raw = await regtest.rpc.call<VerboseTransaction>('getrawtransaction', [txid, 1]);
    for (const input of raw.vin) spent.push(`${input.txid}:${input.vout}`);
    for (const { n, value, scriptPubKey } of raw.vout) {
      if (own.has(scriptPubKey.address ?? '')) coins.set(`${txid}:${n}`, satsOf(value));
    }
  }
  for (const outpoint of spent) coins.delete(outpoint);
  return coins;
}

type CoinRow = { txid: string; vout: number; value_sats: string };

/** The same as our table of coins has them. */
export async function coinsOnRecord(shop: Shop, merchantId: Uuid): Promise<Map<string, Sats>> {
  const rows = await shop.sql<CoinRow>(
    `SELECT encode(txid, 'hex') AS txid, vout, value_sats FROM coin
      WHERE merchant_id = $1 AND live AND spent_by IS NULL`,
    [merchantId],
  );
  return new Map(rows.map((row) => [`${turned(row.txid)}:${row.vout}`, BigInt(row.value_sats)]));
}

/** Txids are kept as they are hashed and shown the other way round. */
function turned(hex: string): string {
  return (hex.match(/../g) ?? []).toReversed().join('');
}

/** What differs between the node, the coins and the book of a store without own spends. */
export async function coinFaults(
  shop: Shop,
  regtest: Regtest,
  store: { merchantId: Uuid; descriptor: string },
): Promise<string[]> {
  const truth = await coinsOfNode(regtest, store.descriptor);
  const ours = await coinsOnRecord(shop, store.merchantId);
  const faults: string[] = [];
  for (const [outpoint, sats] of truth) {
    if (ours.get(outpoint) !== sats) {
      faults.push(`${outpoint} has ${sats} sats, on record ${ours.get(outpoint)}`);
    }
  }
  for (const outpoint of ours.keys()) {
    if (!truth.has(outpoint)) faults.push(`${outpoint} is on record and does not exist`);
  }
  const wallet = (await shop.balances(store.merchantId))['onchain.wallet'];
  const book = (wallet?.posted ?? 0n) + (wallet?.pending ?? 0n);
  const sum = [...truth.values()].reduce((total, sats) => total + sats, 0n);
  if (book !== sum) faults.push(`the book has ${book} sats, the node ${sum}`);
  return faults;
}
