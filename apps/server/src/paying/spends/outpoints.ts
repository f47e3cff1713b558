import { displayHash, parseHash } from '@quittance/bitcoin';
import { assert } from '@quittance/kernel';
import type { OutpointText } from './spend.ts';

export function outpointText(txid: Uint8Array, vout: number): OutpointText {
  return `${displayHash(txid)}:${vout}`;
}

/** Takes "txid:vout" apart. */
export function splitOutpoint(outpoint: OutpointText): [txid: string, vout: number] {
  const [txid, vout] = outpoint.split(':');
  assert(txid?.length === 64 && vout !== undefined, `not an outpoint: ${outpoint}`);
  return [txid, Number(vout)];
}

/** As the wire has it: txid and number, 36 bytes. */
export function outpointBytes(outpoint: OutpointText): Buffer {
  const [txid, vout] = splitOutpoint(outpoint);
  const bytes = Buffer.alloc(36);
  bytes.set(parseHash(txid));
  bytes.writeUInt32LE(vout, 32);
  return bytes;
}

export function readOutpoint(bytes: Buffer): OutpointText {
  return outpointText(bytes.subarray(0, 32), bytes.readUInt32LE(32));
}
