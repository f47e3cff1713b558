import { taggedHash } from '../hashes.ts';
import { type Sighashes, sighashesOf } from '../sighash.ts';
import { parseTransaction } from '../transaction.ts';
import { type UnsignedTransaction, writeTransaction } from '../transaction-writer.ts';

const OP_RETURN = 0x6a;
const NO_TRANSACTION = new Uint8Array(32);
const NO_OUTPUT = 0xffffffff;

/** What a signed message is the hash of (BIP322). */
export function messageHash(message: string): Uint8Array {
  return taggedHash('BIP0322-signed-message', new TextEncoder().encode(message));
}

/** The virtual transaction that commits to message and script; its id, in internal byte order. */
export function toSpendTxid(message: string, script: Uint8Array): Uint8Array {
  const inputs = [{ prevTxid: NO_TRANSACTION, prevVout: NO_OUTPUT, sequence: 0 }];
  const outputs = [{ valueSats: 0n, script }];
  const scriptSig = Uint8Array.of(0, 32, ...messageHash(message));
  const transaction = { version: 0, locktime: 0, inputs, outputs };
  return parseTransaction(writeTransaction(transaction, [{ scriptSig, witness: [] }])).txid;
}

/** The virtual transaction whose signing signs the message. */
export function toSign(message: string, script: Uint8Array): UnsignedTransaction {
  const inputs = [{ prevTxid: toSpendTxid(message, script), prevVout: 0, sequence: 0 }];
  const outputs = [{ valueSats: 0n, script: Uint8Array.of(OP_RETURN) }];
  return { version: 0, locktime: 0, inputs, outputs };
}

/** What signatures of {@link toSign}, or of one like it, sign. */
export function messageSighashes(transaction: UnsignedTransaction, script: Uint8Array): Sighashes {
  return sighashesOf(transaction, [{ valueSats: 0n, script }]);
}
