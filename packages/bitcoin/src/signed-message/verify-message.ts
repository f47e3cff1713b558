import { toHex } from '@quittance/kernel';
import { base64 } from '@scure/base';
import { addressToScript } from '../addresses.ts';
import { MalformedError } from '../errors.ts';
import type { Network } from '../networks.ts';
import { classifyScript } from '../scripts.ts';
import type { UnsignedTransaction } from '../transaction-writer.ts';
import { LEGACY_SIGNATURE_BYTES, verifyLegacyMessage } from './legacy-message.ts';
import { messageSighashes, toSign } from './message-transactions.ts';
import { readSignedTransaction, readWitness } from './proof-reader.ts';
import { proveScript } from './prove-script.ts';

export type MessageForm = 'simple' | 'full' | 'legacy';

export type VerifiedMessage =
  | { readonly ok: true; readonly form: MessageForm }
  | {
      readonly ok: false;
      readonly code:
        | 'bad_address'
        | 'wrong_network'
        | 'too_long'
        | 'not_base64'
        | 'malformed'
        | 'unsupported'
        | 'invalid_signature';
      readonly reason: string;
    };

/** A claim to sign is a line of text; nobody needs more than this. */
export const MAX_MESSAGE_LENGTH = 10_000;
/** A multisig of 20 keys stays below. */
const MAX_SIGNATURE_LENGTH = 10_000;

/** How a signature says what form it has; older ones say nothing. */
const PREFIXES: ReadonlyMap<string, MessageForm | 'proof_of_funds'> = new Map([
  ['smp', 'simple'],
  ['ful', 'full'],
  ['pof', 'proof_of_funds'],
]);

/**
 * Verifies that whoever can spend from an address signed a message (BIP322, simple and full form;
 * for P2PKH also `signmessage`). Addresses: P2WPKH, P2TR by its key, P2WPKH in P2SH, P2PKH, and
 * multisig in P2WSH. A signature proves control of the key now, and nothing of who else has it.
 * @param signature base64, with BIP322's prefix or without
 */
export function verifyMessage(claim: {
  address: string;
  network: Network;
  message: string;
  signature: string;
}): VerifiedMessage {
  const { address, network, message, signature } = claim;
  if (message.length > MAX_MESSAGE_LENGTH || signature.length > MAX_SIGNATURE_LENGTH) {
    return refuse('too_long', 'the message or the signature is too long');
  }
  const parsed = addressToScript(address, network);
  if (!parsed.ok) {
    return refuse(parsed.code === 'wrong_network' ? 'wrong_network' : 'bad_address', parsed.reason);
  }
  const text = signature.trim();
  const form = PREFIXES.get(text.slice(0, 3));
  if (form === 'proof_of_funds') {
    return refuse('unsupported', 'proofs of funds are not used here: sign the message only');
  }
  const bytes = decode(form === undefined ? text : text.slice(3));
  if (bytes === null) return refuse('not_base64', 'the signature is not base64');
  if (bytes.length === 0) return refuse('malformed', 'the signature is empty');
  try {
    const { script } = parsed;
    const given = { script, message, bytes };
    if (form === undefined && bytes.length === LEGACY_SIGNATURE_BYTES && isLegacy(bytes)) {
      return verifyLegacy(given);
    }
    if (form === 'full') return verifyFull(given);
    if (form === 'simple' || !looksLikeTransaction(bytes)) return verifySimple(given);
    return verifyFull(given);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return refuse('malformed', 'the signature is not well formed');
  }
}

interface Given {
  readonly script: Uint8Array;
  readonly message: string;
  readonly bytes: Uint8Array;
}

function verifyLegacy({ script, message, bytes }: Given): VerifiedMessage {
  const parts = classifyScript(script);
  if (parts?.kind !== 'p2pkh') {
    const reason =
      'signatures of this form are for addresses that begin with 1, m or n; use BIP322';
    return refuse('unsupported', reason);
  }
  return verifyLegacyMessage(message, bytes, parts.hash)
    ? { ok: true, form: 'legacy' }
    : invalidSignature();
}

function verifySimple({ script, message, bytes }: Given): VerifiedMessage {
  const witness = readWitness(bytes);
  const proof = { scriptSig: new Uint8Array(), witness };
  return judge('simple', script, { transaction: toSign(message, script), proof });
}

function verifyFull({ script, message, bytes }: Given): VerifiedMessage {
  const { transaction, proofs } = readSignedTransaction(bytes);
  const expected = toSign(message, script);
  const [input, ...others] = transaction.inputs;
  const [proof] = proofs;
  const [output, ...more] = transaction.outputs;
  if (others.length > 0) {
    return refuse('unsupported', 'proofs of funds are not used here: sign the message only');
  }
  if (transaction.locktime !== 0 || input?.sequence !== 0) {
    return refuse('unsupported', 'signatures with a time lock are not accepted');
  }
  const isForm =
    (transaction.version === 0 || transaction.version === 2) &&
    more.length === 0 &&
    output?.valueSats === 0n &&
    toHex(output.script) === toHex(expected.outputs[0]?.script ?? new Uint8Array());
  if (!isForm || proof === undefined) {
    return refuse('malformed', 'the signature is not the transaction that BIP322 asks for');
  }
  const isOfMessage =
    input.prevVout === 0 &&
    toHex(input.prevTxid) === toHex(expected.inputs[0]?.prevTxid ?? new Uint8Array());
  if (!isOfMessage) return invalidSignature();
  return judge('full', script, { transaction, proof });
}

function judge(
  form: MessageForm,
  script: Uint8Array,
  signed: { transaction: UnsignedTransaction; proof: Parameters<typeof proveScript>[1] },
): VerifiedMessage {
  const verdict = proveScript(script, signed.proof, messageSighashes(signed.transaction, script));
  if (verdict === 'valid') return { ok: true, form };
  if (verdict === 'invalid') return invalidSignature();
  return refuse('unsupported', 'messages of this kind of address cannot be verified here');
}

/** A header of `signmessage`; a witness never begins so in 65 bytes, with 27 items or more. */
function isLegacy(bytes: Uint8Array): boolean {
  const header = bytes[0] ?? 0;
  return header >= 27 && header <= 34;
}

/** Version 0 or 2 in four bytes; a witness stack begins with its count, then a length. */
function looksLikeTransaction(bytes: Uint8Array): boolean {
  const [version, ...rest] = bytes.subarray(0, 4);
  return (version === 0 || version === 2) && rest.every((byte) => byte === 0);
}

function decode(text: string): Uint8Array | null {
  try {
    return base64.decode(text);
  } catch {
    return null;
  }
}

function invalidSignature(): VerifiedMessage {
  const reason = 'the signature is not of this message by a key of this address';
  return refuse('invalid_signature', reason);
}

function refuse(
  code: Extract<VerifiedMessage, { ok: false }>['code'],
  reason: string,
): VerifiedMessage {
  return { ok: false, code, reason };
}
