import type { Sats } from '@quittance/kernel';
import type { BitcoinRpc } from '../../../apps/server/src/platform/bitcoin-node/index.ts';
import { satsOf } from '../../support/regtest.ts';

/** An output as the node has it now. `confirmations` is 0 in the mempool. */
export type TrueOutput = {
  readonly outpoint: string;
  readonly address: string;
  readonly sats: Sats;
  readonly confirmations: number;
  readonly height: number | null;
};

export type ChainTruth = {
  readonly height: number;
  readonly hash: string;
  readonly outputs: readonly TrueOutput[];
};

type NodeTx = {
  txid: string;
  vout: { n: number; value: unknown; scriptPubKey: { address?: string } }[];
};
type NodeBlock = { hash: string; height: number; previousblockhash?: string; tx: NodeTx[] };

/**
 * Reads what the node knows of payments to some addresses, without anything of the product: every
 * block through the verbose RPC, and the mempool.
 */
export function createChainReader(rpc: BitcoinRpc, fromHeight: number) {
  const blocks = new Map<string, NodeBlock>();

  async function block(hash: string): Promise<NodeBlock> {
    const known = blocks.get(hash);
    if (known !== undefined) return known;
    const read = await rpc.call<NodeBlock>('getblock', [hash, 2]);
    blocks.set(hash, read);
    return read;
  }

  function outputsOf(
    tx: NodeTx,
    addresses: ReadonlySet<string>,
    place: { confirmations: number; height: number | null },
  ): TrueOutput[] {
    return tx.vout.flatMap(({ n, value, scriptPubKey: { address } }) =>
      address !== undefined && addresses.has(address)
        ? [{ outpoint: `${tx.txid}:${n}`, address, sats: satsOf(value), ...place }]
        : [],
    );
  }

  return async function read(addresses: ReadonlySet<string>): Promise<ChainTruth> {
    const hash = await rpc.call<string>('getbestblockhash');
    const outputs: TrueOutput[] = [];
    let next: string | undefined = hash;
    let tip = 0;
    while (next !== undefined) {
      const { height, tx, previousblockhash }: NodeBlock = await block(next);
      tip = Math.max(tip, height);
      if (height < fromHeight) break;
      const place = { confirmations: tip - height + 1, height };
      for (const each of tx) outputs.push(...outputsOf(each, addresses, place));
      next = previousblockhash;
    }
    for (const txid of await rpc.call<string[]>('getrawmempool')) {
      const tx = await rpc.call<NodeTx>('getrawtransaction', [txid, 1]);
      outputs.push(...outputsOf(tx, addresses, { confirmations: 0, height: null }));
    }
    return { height: tip, hash, outputs };
  };
}
