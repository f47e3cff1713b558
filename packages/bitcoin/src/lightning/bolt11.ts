import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';
import { fromHex, type Msats, toHex } from '@quittance/kernel';
import { sha256 } from '../hashes.ts';
import { readAmount } from './bolt11-amount.ts';
import { type RouteHop, readFields } from './bolt11-fields.ts';
import { type Bolt11ErrorCode, Bolt11Refusal } from './bolt11-refusal.ts';
import { type LightningNetwork, networkOfPrefix } from './network.ts';
import { packWords, type Words, wordsToBytes, wordsToNumber } from './words.ts';

/** A Lightning invoice whose signature is right. Hashes, keys and data are hexadecimal. */
export type DecodedBolt11 = {
  /** In small letters and without a scheme: two spellings of one invoice are the same here. */
  readonly bolt11: string;
  /** Whether that is the chain one pays on is for the caller to say. */
  readonly network: LightningNetwork;
  /** Null: the payer chooses. */
  readonly amountMsat: Msats | null;
  readonly createdAtMs: number;
  readonly expirySeconds: number;
  /** From this moment on the payee need not take it any more. */
  readonly expiresAtMs: number;
  readonly paymentHash: string;
  readonly paymentSecret: string;
  /** Anybody may have written it: never markup. */
  readonly description: string | null;
  readonly descriptionHash: string | null;
  readonly metadata: string | null;
  /** The node that is paid: stated and signed for, or recovered from the signature. */
  readonly payee: string;
  readonly minFinalCltvExpiryDelta: number;
  /** Numbers of the feature bits that are set, smallest first (BOLT 9). */
  readonly features: readonly number[];
  readonly allowsMultiPart: boolean;
  readonly routeHints: readonly (readonly RouteHop[])[];
  readonly fallbackAddresses: readonly string[];
};

export type ParsedBolt11 =
  | { readonly ok: true; readonly invoice: DecodedBolt11 }
  | { readonly ok: false; readonly code: Bolt11ErrorCode; readonly reason: string };

/** What LDK allows too, and more than a QR code holds. */
export const MAX_BOLT11_LENGTH = 7_089;
/** When the invoice does not say (BOLT 11). */
export const DEFAULT_EXPIRY_SECONDS = 3_600;
export const DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA = 18;

const TIMESTAMP_WORDS = 7;
/** 64 bytes of the signature and one that tells which key made it. */
const SIGNATURE_WORDS = 104;
/**
 * What an invoice may demand of the payer: what everybody does today (0, 8, 12, 14, 44: "assumed" in
 * BOLT 9), multi-part payments and metadata. Every node that Quittance speaks to can do these.
 */
const KNOWN_FEATURES: ReadonlySet<number> = new Set([0, 8, 12, 14, 16, 44, 48]);
const MULTI_PART_FEATURE = 16;

/**
 * Reads a Lightning invoice (BOLT 11), with or without `lightning:` before it, in capitals or not.
 * An expired invoice and one of another chain are read all the same: that depends on the reader.
 */
export function decodeBolt11(text: string): ParsedBolt11 {
  try {
    return { ok: true, invoice: read(text) };
  } catch (error) {
    if (!(error instanceof Bolt11Refusal)) throw error;
    return { ok: false, code: error.code, reason: error.message };
  }
}

function read(text: string): DecodedBolt11 {
  const { bolt11, prefix, words } = unwrap(text);
  const [, chain = '', amount] = /^ln([a-z]+)([^a-z].*)?$/.exec(prefix) ?? [];
  const network = networkOfPrefix(chain);
  if (network === null) {
    throw new Bolt11Refusal('unknown_chain', 'this invoice is not for Bitcoin');
  }
  const amountMsat = amount === undefined ? null : readAmount(amount);
  if (words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) throw notAnInvoice('it is cut short');
  const signed = words.slice(0, -SIGNATURE_WORDS);
  const createdAtSeconds = wordsToNumber(signed.slice(0, TIMESTAMP_WORDS)) ?? 0;
  const fields = readFields(signed.slice(TIMESTAMP_WORDS), network);
  refuseUnknownFeatures(fields.features);
  const expirySeconds = fields.expirySeconds ?? DEFAULT_EXPIRY_SECONDS;
  return {
    ...fields,
    bolt11,
    network,
    amountMsat,
    createdAtMs: createdAtSeconds * 1_000,
    expirySeconds,
    expiresAtMs: (createdAtSeconds + expirySeconds) * 1_000,
    payee: readSigner(prefix, signed, words.slice(-SIGNATURE_WORDS), fields.payee),
    minFinalCltvExpiryDelta: fields.minFinalCltvExpiryDelta ?? DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA,
    allowsMultiPart: fields.features.some((bit) => bit >> 1 === MULTI_PART_FEATURE >> 1),
  };
}

function unwrap(text: string): { bolt11: string; prefix: string; words: Words } {
  const bare = text.trim().replace(/^lightning:/i, '');
  if (bare.length > MAX_BOLT11_LENGTH) throw notAnInvoice('it is too long');
  const bolt11 = bare.toLowerCase();
  if (/^ln[ori]1/.test(bolt11)) throw notAnInvoice('it is a BOLT 12 offer, request or invoice');
  if (bolt11.startsWith('lnurl1')) throw notAnInvoice('it is an LNURL');
  const form = /^ln[a-z0-9]+1[02-9ac-hj-np-z]{6,}$/;
  if (!form.test(bolt11)) throw notAnInvoice('it does not have the form of one');
  if (bare !== bolt11 && bare !== bare.toUpperCase()) {
    throw notAnInvoice('it mixes capital and small letters');
  }
  const decoded = bech32.decodeUnsafe(bolt11, false);
  if (decoded === undefined) {
    const reason = 'the invoice has a typing mistake: its checksum does not fit';
    throw new Bolt11Refusal('checksum', reason);
  }
  return { bolt11, prefix: decoded.prefix, words: decoded.words };
}

/** "It's ok to be odd": an odd bit is an offer, an even one a demand (BOLT 1). */
function refuseUnknownFeatures(features: readonly number[]): void {
  const unknown = features.filter((bit) => bit % 2 === 0 && !KNOWN_FEATURES.has(bit));
  if (unknown.length > 0) {
    const reason = `the invoice demands features that are not known here: ${unknown.join(', ')}`;
    throw new Bolt11Refusal('unknown_feature', reason);
  }
}

/** What is signed: the prefix as text, then the data, filled up with zeros to whole bytes. */
export function bolt11Digest(prefix: string, signed: Words): Uint8Array {
  return sha256(Buffer.concat([Buffer.from(prefix, 'utf8'), packWords(signed)]));
}

function readSigner(prefix: string, signed: Words, words: Words, stated: string | null): string {
  const bytes = wordsToBytes(words);
  const recoveryId = bytes?.[64];
  if (bytes === null || recoveryId === undefined || recoveryId > 3) throw badSignature();
  const compact = bytes.subarray(0, 64);
  const digest = bolt11Digest(prefix, signed);
  try {
    if (stated === null) {
      // Recovery takes high S too (BOLT 11): the key that comes out is the payee either way.
      const recoverable = Uint8Array.of(recoveryId, ...compact);
      return toHex(secp256k1.recoverPublicKey(recoverable, digest, { prehash: false }));
    }
    const options = { prehash: false, format: 'compact', lowS: true } as const;
    if (secp256k1.verify(compact, digest, fromHex(stated), options)) return stated;
  } catch {
    // Numbers that are no signature, or a point that is on no curve: below.
  }
  throw badSignature();
}

function badSignature(): Bolt11Refusal {
  return new Bolt11Refusal('signature', "the invoice's signature is wrong");
}

function notAnInvoice(why: string): Bolt11Refusal {
  return new Bolt11Refusal('not_an_invoice', `this is not a Lightning invoice: ${why}`);
}
