import { fromHex } from '@quittance/kernel';
import { RequestError } from '../errors.ts';

export type BitcoindTarget = { url: string; user: string; password: string };

/** A regtest node answers in milliseconds; on a busy machine it takes longer. */
const TIMEOUT_MS = 30_000;

/** What is asked of the chain's node: JSON-RPC, with or without a wallet of it. */
export interface Bitcoind {
  /** @throws {RequestError} `chain` or `chain_unreachable` */
  call<T>(method: string, ...params: readonly unknown[]): Promise<T>;
  walletCall<T>(wallet: string, method: string, ...params: readonly unknown[]): Promise<T>;
}

/** Talks to bitcoind over HTTP; Node keeps the connections alive. */
export function connectBitcoind(target: BitcoindTarget): Bitcoind {
  const credentials = Buffer.from(`${target.user}:${target.password}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}`, 'content-type': 'application/json' };

  async function send<T>(path: string, method: string, params: readonly unknown[]): Promise<T> {
    let answer: unknown;
    try {
      const response = await fetch(new URL(path, target.url), {
        method: 'POST',
        headers,
        body: JSON.stringify({ jsonrpc: '1.0', id: 0, method, params }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      answer = JSON.parse(await response.text(), keepDecimals);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RequestError('chain_unreachable', `${method}: the chain's node is away: ${why}`);
    }
    const { result, error } = answer as { result: T; error: { message?: unknown } | null };
    if (error !== null) throw new RequestError('chain', `${method}: ${String(error.message)}`);
    return result;
  }

  return {
    call: (method, ...params) => send('/', method, params),
    walletCall: (wallet, method, ...params) =>
      send(`/wallet/${encodeURIComponent(wallet)}`, method, params),
  };
}

/** A block as both sides name it: hexadecimal as displayed, with its height. */
export type BlockRef = { hash: string; height: number };

type HeaderAnswer = {
  height: number;
  time: number;
  confirmations: number;
  previousblockhash?: string;
};

export async function tipOf(chain: Bitcoind): Promise<BlockRef & { timeSeconds: number }> {
  const hash = await chain.call<string>('getbestblockhash');
  const { height, time } = await headerOf(chain, hash);
  return { hash, height, timeSeconds: time };
}

export const headerOf = (chain: Bitcoind, hash: string): Promise<HeaderAnswer> =>
  chain.call<HeaderAnswer>('getblockheader', hash);

export const rawHeaderOf = async (chain: Bitcoind, hash: string): Promise<Uint8Array> =>
  fromHex(await chain.call<string>('getblockheader', hash, false));

export const rawBlockOf = async (chain: Bitcoind, hash: string): Promise<Uint8Array> =>
  fromHex(await chain.call<string>('getblock', hash, 0));

/** A hash as LDK has it (the order of its bytes on the wire) in the form that is displayed. */
export const displayed = (hash: Uint8Array): string => Buffer.from(hash).reverse().toString('hex');
export const internal = (hash: string): Uint8Array => fromHex(hash).reverse();

/**
 * Amounts come as numbers with decimals, which JavaScript would round: they stay the text that they
 * were.
 */
function keepDecimals(_key: string, value: unknown, context?: { source?: string }): unknown {
  const isFraction = typeof value === 'number' && !Number.isSafeInteger(value);
  return isFraction ? (context?.source ?? value) : value;
}
