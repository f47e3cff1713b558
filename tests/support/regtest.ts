import { formatBtc, parseDecimal, type Sats } from '@quittance/kernel';
import {
  type BitcoinRpc,
  createBitcoinRpc,
  type RpcParams,
} from '../../apps/server/src/platform/bitcoin-node/index.ts';
import {
  type RegtestNode,
  startRegtestNode,
} from '../../apps/server/src/platform/embedded/bitcoind.ts';
import { quietLog, temporaryFolder } from './temporary.ts';

const WALLET = 'payer';
/** A coinbase can be spent after 100 blocks; the others give the wallet several coins to spend. */
const FIRST_BLOCKS = 110;

export interface Regtest {
  readonly node: RegtestNode;
  readonly rpc: BitcoinRpc;
  /** Calls the funded wallet. */
  walletRpc<T = unknown>(method: string, params?: RpcParams): Promise<T>;
  /** Mines to the wallet and gives the hashes of the new blocks. */
  mine(blocks: number): Promise<string[]>;
  /** Pays from the wallet; gives the txid. */
  sendTo(address: string, amount: Sats, options?: SendOptions): Promise<string>;
  newAddress(): Promise<string>;
  /** Kills the node and starts it again with the same ports and credentials. */
  crashNode(): Promise<void>;
  stop(): Promise<void>;
}

export interface SendOptions {
  feeRateSatPerVb?: number;
  replaceable?: boolean;
}

/** A private chain with a wallet that has about 500 BTC to spend. */
export async function startRegtest(
  options: { extraArgs?: readonly string[] } = {},
): Promise<Regtest> {
  const folder = temporaryFolder('regtest');
  const start = (replaces?: RegtestNode): Promise<RegtestNode> =>
    startRegtestNode({
      dataDir: folder.path,
      log: quietLog,
      extraArgs: options.extraArgs ?? [],
      ...(replaces === undefined ? {} : { replaces }),
    });
  let node = await start();
  const rpc = createBitcoinRpc({
    url: node.rpcUrl,
    user: node.rpcUser,
    password: node.rpcPassword,
  });
  await rpc.call('createwallet', { wallet_name: WALLET, load_on_startup: true });
  const walletRpc = <T>(method: string, params: RpcParams = []): Promise<T> =>
    rpc.walletCall<T>(WALLET, method, params);
  const newAddress = (): Promise<string> => walletRpc<string>('getnewaddress');
  const mine = async (blocks: number): Promise<string[]> =>
    rpc.call<string[]>('generatetoaddress', [blocks, await newAddress()]);
  await mine(FIRST_BLOCKS);

  return {
    get node() {
      return node;
    },
    rpc,
    walletRpc,
    mine,
    newAddress,
    sendTo: (address, amount, { feeRateSatPerVb = 5, replaceable = true } = {}) =>
      walletRpc<string>('sendtoaddress', {
        address,
        amount: formatBtc(amount),
        fee_rate: feeRateSatPerVb,
        replaceable,
      }),
    async crashNode() {
      await node.kill();
      node = await start(node);
    },
    async stop() {
      await rpc.close();
      await node.stop();
      folder.remove();
    },
  };
}

/** Reads an amount as the RPC client gives it ("-0.00012345") in satoshis. */
export function satsOf(amount: unknown): Sats {
  const text = String(amount);
  const parsed = parseDecimal(text.replace(/^-/, ''), 8);
  if (!parsed.ok) throw new Error(`${text} is not an amount: ${parsed.reason}`);
  return text.startsWith('-') ? -parsed.value : parsed.value;
}
