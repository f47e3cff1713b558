import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, formatBtc, parseDecimal, type Sats } from '@quittance/kernel';
import {
  type BitcoinRpc,
  createBitcoinRpc,
} from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { startRegtestNode } from '../../apps/server/src/platform/embedded/bitcoind.ts';

const MINER = 'miner';
const WALLET = 'coins';
/** A coinbase can be spent after 100 blocks. */
const FIRST_BLOCKS = 110;
/** Outputs of one funding transaction. */
const FANOUT = 200;

const quiet = { info() {}, warn() {} };

export type NodeCoin = { id: string; txid: string; vout: number; valueSats: Sats };

/** What the node's own wallet chose. */
export type NodePlan = { ids: string[]; feeSats: Sats; hasChange: boolean };

export type NodeWallet = {
  readonly version: string;
  readonly coins: readonly NodeCoin[];
  /** An address of somebody else. */
  readonly payee: string;
  /** Lets the wallet see only these coins. */
  offer(coins: readonly NodeCoin[]): Promise<void>;
  /** @returns null when it finds no way to pay */
  fund(payments: readonly Sats[], feeRateSatPerVb: number): Promise<NodePlan | null>;
  stop(): Promise<void>;
};

/** A node on regtest with a wallet of P2WPKH coins of these amounts, each on its own address. */
export async function openNodeWallet(amounts: readonly Sats[]): Promise<NodeWallet> {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-bench-coinselect-'));
  const node = await startRegtestNode({ dataDir: join(folder, 'node'), log: quiet });
  const { rpcUrl: url, rpcUser: user, rpcPassword: password } = node;
  const rpc = createBitcoinRpc({ url, user, password });
  const { subversion } = await rpc.call<{ subversion: string }>('getnetworkinfo');
  await rpc.call('createwallet', { wallet_name: MINER });
  await rpc.call('createwallet', { wallet_name: WALLET });
  const payee = await rpc.walletCall<string>(MINER, 'getnewaddress', ['', 'bech32']);
  await rpc.call('generatetoaddress', [FIRST_BLOCKS, payee]);
  await pay(rpc, amounts);
  await rpc.call('generatetoaddress', [1, payee]);
  const coins = await listCoins(rpc);
  assert(coins.length === amounts.length, 'the wallet has a coin of each amount');
  return {
    version: subversion,
    coins,
    payee,
    async offer(offered) {
      const ids = new Set(offered.map(({ id }) => id));
      const hidden = coins
        .filter(({ id }) => !ids.has(id))
        .map(({ txid, vout }) => ({ txid, vout }));
      await rpc.walletCall(WALLET, 'lockunspent', [true]);
      await rpc.walletCall(WALLET, 'lockunspent', [false, hidden]);
    },
    fund: (payments, feeRate) => fund(rpc, payments, feeRate),
    async stop() {
      await rpc.close();
      await node.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function pay(rpc: BitcoinRpc, amounts: readonly Sats[]): Promise<void> {
  for (let from = 0; from < amounts.length; from += FANOUT) {
    const outputs: Record<string, string> = {};
    for (const amount of amounts.slice(from, from + FANOUT)) {
      const address = await rpc.walletCall<string>(WALLET, 'getnewaddress', ['', 'bech32']);
      outputs[address] = formatBtc(amount);
    }
    await rpc.walletCall(MINER, 'sendmany', { amounts: outputs, fee_rate: 2 });
  }
}

async function listCoins(rpc: BitcoinRpc): Promise<NodeCoin[]> {
  type Unspent = { txid: string; vout: number; amount: unknown };
  const unspent = await rpc.walletCall<Unspent[]>(WALLET, 'listunspent', [1]);
  return unspent.map(({ txid, vout, amount }) => ({
    id: `${txid}:${vout}`,
    txid,
    vout,
    valueSats: toSats(amount),
  }));
}

/**
 * Asks for a funded PSBT at exactly this rate, with P2WPKH change. The node's long-term rate is its
 * default, -consolidatefeerate of 10 sat/vB.
 */
async function fund(
  rpc: BitcoinRpc,
  payments: readonly Sats[],
  feeRate: number,
): Promise<NodePlan | null> {
  const outputs: Record<string, string>[] = [];
  for (const amount of payments) {
    const address = await rpc.walletCall<string>(MINER, 'getnewaddress', ['', 'bech32']);
    outputs.push({ [address]: formatBtc(amount) });
  }
  const options = { fee_rate: feeRate, change_type: 'bech32' };
  type Funded = { psbt: string; fee: unknown; changepos: number };
  let funded: Funded;
  try {
    const params = [[], outputs, 0, options];
    funded = await rpc.walletCall<Funded>(WALLET, 'walletcreatefundedpsbt', params);
  } catch {
    return null;
  }
  type Decoded = { tx: { vin: { txid: string; vout: number }[] } };
  const { tx } = await rpc.call<Decoded>('decodepsbt', [funded.psbt]);
  return {
    ids: tx.vin.map(({ txid, vout }) => `${txid}:${vout}`),
    feeSats: toSats(funded.fee),
    hasChange: funded.changepos >= 0,
  };
}

function toSats(amount: unknown): Sats {
  const parsed = parseDecimal(String(amount), 8);
  assert(parsed.ok, 'the node gives amounts as decimals');
  return parsed.value;
}
