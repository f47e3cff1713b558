import {
  type BitcoinRpc,
  createBitcoinRpc,
} from '../../apps/server/src/platform/bitcoin-node/index.ts';
import type { RegtestNode } from '../../apps/server/src/platform/embedded/bitcoind.ts';

export const WALLET = 'payer';
/** A coinbase can be spent after 100 blocks. */
const FIRST_BLOCKS = 110;
/** Outputs of one funding transaction: well below the 400,000 weight units that nodes relay. */
const MAX_FANOUT = 2_000;
/** Calls of one batch that signs: the node answers a batch as one text. */
const SIGN_BATCH = 100;

export type Payer = {
  rpc: BitcoinRpc;
  mine(blocks: number): Promise<string[]>;
  /** Confirmed coins of the payer, each of this value. */
  splitCoins(count: number, valueBtc: string): Promise<Coin[]>;
  /** Raw transactions that pay all of a coin but the fee to an address each; not yet sent. */
  sign(payments: readonly { coin: Coin; address: string; amountBtc: string }[]): Promise<string[]>;
  close(): Promise<void>;
};
export type Coin = { txid: string; vout: number };

/** A wallet on the node with coins from mining. */
export async function openPayer(node: RegtestNode): Promise<Payer> {
  const { rpcUrl: url, rpcUser: user, rpcPassword: password } = node;
  const rpc = createBitcoinRpc({ url, user, password });
  await rpc.call('createwallet', { wallet_name: WALLET });
  const own = await rpc.walletCall<string>(WALLET, 'getnewaddress');
  const mine = (blocks: number) => rpc.call<string[]>('generatetoaddress', [blocks, own]);
  await mine(FIRST_BLOCKS);

  async function fund(count: number, valueBtc: string): Promise<Coin[]> {
    const calls = Array.from({ length: count }, () => ({ method: 'getnewaddress' }));
    const addresses: string[] = [];
    for (const call of calls) addresses.push(await rpc.walletCall<string>(WALLET, call.method));
    const outputs = Object.fromEntries(addresses.map((address) => [address, valueBtc]));
    const txid = await rpc.walletCall<string>(WALLET, 'sendmany', ['', outputs]);
    const { vout } = await rpc.call<{ vout: { n: number; scriptPubKey: { address: string } }[] }>(
      'getrawtransaction',
      [txid, true],
    );
    const wanted = new Set(addresses);
    return vout
      .filter(({ scriptPubKey }) => wanted.has(scriptPubKey.address))
      .map(({ n }) => ({ txid, vout: n }));
  }

  return {
    rpc,
    mine,
    async splitCoins(count, valueBtc) {
      const coins: Coin[] = [];
      while (coins.length < count) {
        coins.push(...(await fund(Math.min(MAX_FANOUT, count - coins.length), valueBtc)));
        await mine(1);
      }
      return coins;
    },
    async sign(payments) {
      const signed: string[] = [];
      for (let at = 0; at < payments.length; at += SIGN_BATCH) {
        const part = payments.slice(at, at + SIGN_BATCH);
        const made = await rpc.batch(
          part.map(({ coin, address, amountBtc }) => ({
            method: 'createrawtransaction',
            params: [[coin], { [address]: amountBtc }],
          })),
        );
        for (const each of made) {
          if (!each.ok) throw each.error;
          const { hex } = await rpc.walletCall<{ hex: string }>(
            WALLET,
            'signrawtransactionwithwallet',
            [each.result],
          );
          signed.push(hex);
        }
      }
      return signed;
    },
    close: () => rpc.close(),
  };
}
