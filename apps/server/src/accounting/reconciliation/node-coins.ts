import type { Network } from '@quittance/bitcoin';
import { assert, parseDecimal, type Uuid } from '@quittance/kernel';
import type { BitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { CoinFact, NodeFacts } from './reconcile.ts';
import { readForeignScripts, readMinedCoins, readScannedWallets } from './store.ts';

/** The node walks its whole set of coins: some minutes on the main network. */
const SCAN_TIMEOUT_MS = 15 * 60_000;
/** A block that comes in during the scan moves node and record apart; so often it is begun anew. */
const MAX_TRIES = 3;
/** The record is behind the node for moments after a block. */
const PAUSE_MS = 1_000;
/**
 * Addresses that are looked at beyond the last derived one: after a restore from an older backup,
 * and where the owner's own software went further, there may be money that we do not know.
 */
const BEYOND_DERIVED = 1_000;
/** Coins that are named; more of them have one cause. */
const MAX_NAMED = 100;

export type NodeDeps = {
  database: Database;
  network: Network;
  node: Pick<BitcoinRpc, 'call'>;
  sleep(ms: number): Promise<void>;
};

type Unspent = { txid: string; vout: number; amount: unknown; scriptPubKey: string };
type Scan = { success: boolean; bestblock: string; unspents: Unspent[] };

/**
 * The third way: asks the node itself which coins the store's descriptors have, from its own set of
 * unspent coins, and compares them with those on record in blocks at the same tip. Takes as long as
 * the node needs; holds no transaction meanwhile.
 */
export async function compareWithNode(deps: NodeDeps, merchantId: Uuid): Promise<NodeFacts> {
  try {
    return await compare(deps, merchantId);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { readable: false, reason: `the node's coins can not be read: ${reason}` };
  }
}

async function compare(deps: NodeDeps, merchantId: Uuid): Promise<NodeFacts> {
  const { database, network } = deps;
  const wallets = await database.asTenant(merchantId, (tx) => readScannedWallets(tx, merchantId));
  const ranges = wallets.flatMap(({ descriptor, through }) =>
    through.flatMap((last, branch) =>
      last < 0 ? [] : [{ desc: ofBranch(descriptor, branch), range: last + BEYOND_DERIVED }],
    ),
  );
  if (ranges.length === 0) return { readable: true, nodeOnly: [], recordOnly: [] };
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const scan = await deps.node.call<Scan>('scantxoutset', ['start', ranges], undefined, {
      timeoutMs: SCAN_TIMEOUT_MS,
    });
    if (!scan.success) throw new Error('the scan was aborted');
    const record = await database.asTenant(merchantId, (tx) =>
      readMinedCoins(tx, { merchantId, network }),
    );
    if (record.tip === scan.bestblock) {
      const scripts = scan.unspents.map(({ scriptPubKey }) => Buffer.from(scriptPubKey, 'hex'));
      // Two stores may have the same key; each address is one store's.
      const foreign = await database.asSystem((tx) => readForeignScripts(tx, merchantId, scripts));
      const own = scan.unspents.filter(({ scriptPubKey }) => !foreign.has(scriptPubKey));
      return difference(own.map(coinOf), record.coins);
    }
    await deps.sleep(PAUSE_MS);
  }
  throw new Error('the chain moved on during every scan, or the record is behind the node');
}

function difference(node: readonly CoinFact[], record: readonly CoinFact[]): NodeFacts {
  const key = ({ txid, vout, valueSats }: CoinFact) => `${txid}:${vout}:${valueSats}`;
  const [atNode, onRecord] = [new Set(node.map(key)), new Set(record.map(key))];
  return {
    readable: true,
    nodeOnly: node.filter((coin) => !onRecord.has(key(coin))).slice(0, MAX_NAMED),
    recordOnly: record.filter((coin) => !atNode.has(key(coin))).slice(0, MAX_NAMED),
  };
}

function coinOf({ txid, vout, amount }: Unspent): CoinFact {
  // The client gives numbers as their source text, so that no digit is lost.
  const value = parseDecimal(String(amount), 8);
  assert(value.ok, 'the node gives amounts as decimals');
  return { txid, vout, valueSats: value.value };
}

/** One branch of a multipath descriptor (BIP389), which not every node's scan understands. */
function ofBranch(descriptor: string, branch: number): string {
  const [payload = ''] = descriptor.split('#');
  return payload.replace(/<([^;>]*);([^>]*)>/g, (_, first: string, second: string) =>
    branch === 0 ? first : second,
  );
}
