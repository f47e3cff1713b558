import { displayHash, parseTransaction, type Transaction } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { takeBytes } from './adopt-store.ts';
import { unsignedTransaction } from './plan-transaction.ts';
import { nameVersion, readNamelessVersions, readTakers } from './chain-store.ts';

/**
 * Recognises transactions of ours that somebody else signed and sent, or we did after the backup that
 * the record comes from: their bytes are taken from the chain. Where inputs have a script
 * signature (P2SH) the txid is not known before it is signed, so one that takes a spend's coins is
 * compared with what was given out: else it would look like somebody else's, and its payouts would be
 * paid again.
 */
export async function adoptSigned(tx: Tx, spendIds: readonly Uuid[]): Promise<void> {
  if (spendIds.length === 0) return;
  await takeBytes(tx, spendIds);
  const nameless = await readNamelessVersions(tx, spendIds);
  if (nameless.length === 0) return;
  const takers = await readTakers(
    tx,
    nameless.map(({ spendId }) => spendId),
  );
  for (const { spendId, version, psbt } of nameless) {
    const planned = unsignedTransaction(psbt);
    for (const taker of takers) {
      const mined = parseTransaction(taker.raw);
      if (taker.spendId !== spendId || !isSame(planned, mined)) continue;
      const { raw } = taker;
      await nameVersion(tx, { spendId, version, txid: displayHash(mined.txid), raw });
      break;
    }
  }
}

/** Whether one is the other with signatures. */
function isSame(planned: Transaction, signed: Transaction): boolean {
  return (
    planned.version === signed.version &&
    planned.locktime === signed.locktime &&
    planned.inputs.length === signed.inputs.length &&
    planned.outputs.length === signed.outputs.length &&
    planned.inputs.every((input, i) => {
      const other = signed.inputs[i];
      return (
        other !== undefined &&
        input.prevVout === other.prevVout &&
        input.sequence === other.sequence &&
        Buffer.compare(input.prevTxid, other.prevTxid) === 0
      );
    }) &&
    planned.outputs.every((output, i) => {
      const other = signed.outputs[i];
      return (
        other !== undefined &&
        output.valueSats === other.valueSats &&
        Buffer.compare(output.script, other.script) === 0
      );
    })
  );
}
