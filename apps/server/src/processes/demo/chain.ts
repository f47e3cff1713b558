import { join } from 'node:path';
import { formatBtc, type Sats } from '@quittance/kernel';
import { z } from 'zod';
import { type BitcoinRpc, createBitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import { type RegtestNode, startRegtestNode } from '../../platform/embedded/bitcoind.ts';
import type { EmbeddedLog } from '../../platform/embedded/companion.ts';

/** Holds the money that customers spend. */
export const PAYER_WALLET = 'payer';
/** Coins of 50 BTC that the payer begins with: enough for several payments in one block. */
const FIRST_COINS = 10;
/** A coinbase can be spent after 100 blocks (Bitcoin Core: COINBASE_MATURITY). */
const MATURITY_BLOCKS = 100;
/** OP_TRUE: nobody's coins. A wallet writes to disk for each block that pays it. */
const NOBODY = 'raw(51)';
const FEE_RATE_SAT_PER_VB = 5;

export type DemoChain = {
  node: RegtestNode;
  /** Makes a signed transaction and leaves it unsent. */
  prepare(address: string, amount: Sats): Promise<string>;
  /** @returns the txid */
  send(transactionHex: string): Promise<string>;
  mine(blocks: number): Promise<void>;
  mempoolSize(): Promise<number>;
  isInMempool(txid: string): Promise<boolean>;
  stop(): Promise<void>;
};

/** Starts the regtest node with the payer's wallet; a chain that is in the folder already is kept. */
export async function startChain(folder: string, log: EmbeddedLog): Promise<DemoChain> {
  const node = await startRegtestNode({ dataDir: join(folder, 'bitcoin'), log });
  const rpc = createBitcoinRpc({
    url: node.rpcUrl,
    user: node.rpcUser,
    password: node.rpcPassword,
  });
  async function stop(): Promise<void> {
    await rpc.close();
    await node.stop();
  }
  try {
    await openWallet(rpc);
    const payer = <T>(method: string, params: unknown[], parse: (raw: unknown) => T) =>
      rpc.walletCall(PAYER_WALLET, method, params, parse);
    const mineTo = await payer('getnewaddress', [], text);
    const mine = async (blocks: number): Promise<void> => {
      await rpc.call('generatetoaddress', [blocks, mineTo]);
    };
    const height = await rpc.call('getblockcount', [], (raw) => z.int().parse(raw));
    if (height < FIRST_COINS + MATURITY_BLOCKS) {
      await mine(FIRST_COINS);
      await rpc.call('generatetodescriptor', [MATURITY_BLOCKS, NOBODY]);
    }
    // A node whose last block is a day old says that it is still catching up: give it a new one.
    await mine(1);
    return {
      node,
      async prepare(address, amount) {
        const raw = await rpc.call(
          'createrawtransaction',
          [[], [{ [address]: formatBtc(amount) }]],
          text,
        );
        const options = { fee_rate: FEE_RATE_SAT_PER_VB, lockUnspents: true };
        const funded = await payer('fundrawtransaction', [raw, options], hexOf);
        return payer('signrawtransactionwithwallet', [funded], hexOf);
      },
      send: (hex) => rpc.call('sendrawtransaction', [hex], text),
      mine,
      mempoolSize: () =>
        rpc.call('getmempoolinfo', [], (raw) => z.object({ size: z.int() }).parse(raw).size),
      async isInMempool(txid) {
        const names = z.array(z.string());
        return (await rpc.call('getrawmempool', [], (raw) => names.parse(raw))).includes(txid);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openWallet(rpc: BitcoinRpc): Promise<void> {
  const names = z.array(z.string());
  const loaded = await rpc.call('listwallets', [], (raw) => names.parse(raw));
  if (loaded.includes(PAYER_WALLET)) return;
  await rpc.call('createwallet', { wallet_name: PAYER_WALLET, load_on_startup: true });
}

function text(raw: unknown): string {
  return z.string().parse(raw);
}

function hexOf(raw: unknown): string {
  return z.object({ hex: z.string() }).parse(raw).hex;
}
