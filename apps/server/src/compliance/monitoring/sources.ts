import {
  displayHash,
  type Network,
  parseTransaction,
  paymentSource,
  scriptToAddress,
} from '@quittance/bitcoin';
import { toHex } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readPreviousTransactions } from '../../paying/coins/index.ts';

/** Inputs whose previous outputs are looked for; a person's payment has a few. */
const MAX_INPUTS = 100;
/** Addresses that one payment links its party with and that are looked up. */
export const MAX_ADDRESSES = 8;

export type Sources = {
  readonly addresses: readonly string[];
  /** The transaction looks like one of a service for many: its addresses are nobody's in particular. */
  readonly isShared: boolean;
};

/**
 * Where a transaction's money came from, as far as its bytes and the record tell: a taproot input
 * whose previous transaction is not on record tells nothing.
 */
export async function readPaymentSources(
  tx: Tx,
  { txid, network }: { txid: string; network: Network },
): Promise<Sources> {
  const raw = (await readPreviousTransactions(tx, [txid])).get(txid);
  if (raw === undefined) return { addresses: [], isShared: false };
  const inputs = parseTransaction(raw).inputs.slice(0, MAX_INPUTS);
  const before = [...new Set(inputs.map(({ prevTxid }) => displayHash(prevTxid)))];
  const found = await readPreviousTransactions(tx, before);
  const known = new Map(
    inputs.flatMap(({ prevTxid, prevVout }): [string, Uint8Array][] => {
      const previous = found.get(displayHash(prevTxid));
      const script =
        previous === undefined ? undefined : parseTransaction(previous).outputs[prevVout]?.script;
      return script === undefined ? [] : [[`${toHex(prevTxid)}:${prevVout}`, script]];
    }),
  );
  const { scripts, warnings } = paymentSource(raw, known);
  const addresses = scripts.flatMap((script) => scriptToAddress(script, network) ?? []);
  const isShared = warnings.includes('exchange') || warnings.includes('coinjoin');
  return { addresses: addresses.slice(0, MAX_ADDRESSES), isShared };
}
