import { base64 } from '@scure/base';
import { Transaction } from '@scure/btc-signer';
import { PSBT_OPTIONS } from './build-psbt.ts';

/**
 * A transaction of the largest standard size whose inputs bring previous transactions of a few
 * kilobytes each stays below; a file from outside that exceeds it is not looked at.
 */
export const MAX_PSBT_BYTES = 16 * 1024 * 1024;
/** "psbt" and 0xff (BIP174). */
const MAGIC = Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff);

export type ParsedPsbt =
  | { readonly ok: true; readonly psbt: Uint8Array; readonly transaction: Transaction }
  | { readonly ok: false; readonly reason: string };

/** A PSBT as text, for copying and QR codes. The bytes themselves are the binary file. */
export function psbtToBase64(psbt: Uint8Array): string {
  return base64.encode(psbt);
}

/** Reads a PSBT from outside: base64 text, a binary file, or a file with base64 in it. */
export function readPsbt(given: Uint8Array | string): ParsedPsbt {
  if (given.length > MAX_PSBT_BYTES * 2) return refuse('the PSBT is too large');
  const psbt = typeof given === 'string' ? fromText(given) : fromFile(given);
  if (psbt === null) return refuse('this is not a PSBT: neither base64 nor a binary PSBT file');
  if (psbt.length > MAX_PSBT_BYTES) return refuse('the PSBT is too large');
  try {
    const options = { ...PSBT_OPTIONS, allowUnknownInputs: true, disableScriptCheck: true };
    return { ok: true, psbt, transaction: Transaction.fromPSBT(psbt, options) };
  } catch {
    return refuse('this PSBT is damaged or not well formed');
  }
}

function fromFile(bytes: Uint8Array): Uint8Array | null {
  if (hasMagic(bytes)) return bytes;
  return fromText(new TextDecoder().decode(bytes));
}

function fromText(text: string): Uint8Array | null {
  try {
    const bytes = base64.decode(text.replace(/\s+/g, ''));
    return hasMagic(bytes) ? bytes : null;
  } catch {
    return null;
  }
}

function hasMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

function refuse(reason: string): ParsedPsbt {
  return { ok: false, reason };
}
