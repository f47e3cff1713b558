import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';
import { assert, fromHex, type Msats } from '@quittance/kernel';
import { addressToScript } from '../addresses.ts';
import { classifyScript } from '../scripts.ts';
import { writeAmount } from './bolt11-amount.ts';
import { bolt11Digest } from './bolt11.ts';
import { FIELD, P2PKH_FALLBACK, P2SH_FALLBACK, type RouteHop } from './bolt11-fields.ts';
import { addressNetworkOf, invoicePrefix, type LightningNetwork } from './network.ts';
import { bytesToWords, numberToWords } from './words.ts';

/** What an invoice is to say. Hashes and data are hexadecimal. */
export type Bolt11Fields = {
  readonly network: LightningNetwork;
  /** Null: the payer chooses. */
  readonly amountMsat: Msats | null;
  /** Written in whole seconds, rounded down. */
  readonly createdAtMs: number;
  readonly paymentHash: string;
  readonly paymentSecret: string;
  /** At most 639 bytes of UTF-8, or the SHA-256 of something longer. */
  readonly description: string | { readonly sha256: string };
  /** Left out: an hour. */
  readonly expirySeconds?: number;
  /** Blocks between the payment's arrival and its end. Left out: 18. */
  readonly minFinalCltvExpiryDelta?: number;
  /** Feature bits to set. Left out: variable onion and payment secret demanded, multi-part offered. */
  readonly features?: readonly number[];
  /** Private ways to the payee, best first, each from a public node to the payee. */
  readonly routeHints?: readonly (readonly RouteHop[])[];
  readonly fallbackAddresses?: readonly string[];
  /** At most 639 bytes; comes back with the payment. */
  readonly metadata?: string;
  /** Also states the payee, instead of leaving it to be recovered from the signature. */
  readonly statesPayee?: boolean;
};

const TIMESTAMP_WORDS = 7;
/** The length of a field is a number of ten bits. */
const MAX_FIELD_WORDS = 1_023;
const DEFAULT_FEATURES = [8, 14, 17] as const;

/**
 * Writes and signs a Lightning invoice (BOLT 11). The same fields and key always give the same text
 * (RFC 6979).
 * @param secretKey the payee node's own, 32 bytes
 * @throws {AssertionError} when a field can not be written
 */
export function encodeBolt11(fields: Bolt11Fields, secretKey: Uint8Array): string {
  const { network, amountMsat, createdAtMs } = fields;
  const amount = amountMsat === null ? '' : writeAmount(amountMsat);
  const prefix = `ln${invoicePrefix(network)}${amount}`;
  const signed = [
    ...numberToWords(Math.floor(createdAtMs / 1_000), TIMESTAMP_WORDS),
    ...writeFields(fields, secretKey),
  ];
  const digest = bolt11Digest(prefix, signed);
  const options = { prehash: false, lowS: true, format: 'recovered' } as const;
  const [recoveryId = 0, ...compact] = secp256k1.sign(digest, secretKey, options);
  const signature = bytesToWords(Uint8Array.of(...compact, recoveryId));
  return bech32.encode(prefix, [...signed, ...signature], false);
}

function writeFields(fields: Bolt11Fields, secretKey: Uint8Array): number[] {
  const { description, metadata, expirySeconds, minFinalCltvExpiryDelta } = fields;
  const text =
    typeof description === 'string'
      ? field(FIELD.description, utf8(description))
      : field(FIELD.descriptionHash, hash(description.sha256));
  return [
    ...field(FIELD.paymentSecret, hash(fields.paymentSecret)),
    ...field(FIELD.paymentHash, hash(fields.paymentHash)),
    ...text,
    ...(metadata === undefined ? [] : field(FIELD.metadata, bytesToWords(fromHex(metadata)))),
    ...(fields.statesPayee === true ? field(FIELD.payee, payeeOf(secretKey)) : []),
    ...(expirySeconds === undefined ? [] : field(FIELD.expiry, numberToWords(expirySeconds))),
    ...(minFinalCltvExpiryDelta === undefined
      ? []
      : field(FIELD.minFinalCltv, numberToWords(minFinalCltvExpiryDelta))),
    ...(fields.fallbackAddresses ?? []).flatMap((address) =>
      field(FIELD.fallback, fallback(address, fields.network)),
    ),
    ...(fields.routeHints ?? []).flatMap((hops) => field(FIELD.routeHint, routeHint(hops))),
    ...featureField(fields.features ?? DEFAULT_FEATURES),
  ];
}

function field(tag: number, words: readonly number[]): number[] {
  assert(words.length <= MAX_FIELD_WORDS, 'encodeBolt11: a field is too long');
  return [tag, words.length >> 5, words.length & 31, ...words];
}

function hash(hex: string): number[] {
  assert(hex.length === 64, 'encodeBolt11: a hash or secret must have 32 bytes');
  return bytesToWords(fromHex(hex));
}

function utf8(text: string): number[] {
  assert(text.isWellFormed(), 'encodeBolt11: the description is cut within a character');
  return bytesToWords(new TextEncoder().encode(text));
}

function payeeOf(secretKey: Uint8Array): number[] {
  return bytesToWords(secp256k1.getPublicKey(secretKey, true));
}

function fallback(address: string, network: LightningNetwork): number[] {
  const parsed = addressToScript(address, addressNetworkOf(network));
  assert(parsed.ok, 'encodeBolt11: the fallback address is not of this network');
  const parts = classifyScript(parsed.script);
  assert(parts !== null, 'encodeBolt11: the fallback address names no script');
  if ('program' in parts) return [parts.version, ...bytesToWords(parts.program)];
  const version = parts.kind === 'p2pkh' ? P2PKH_FALLBACK : P2SH_FALLBACK;
  return [version, ...bytesToWords(parts.hash)];
}

function routeHint(hops: readonly RouteHop[]): number[] {
  assert(hops.length > 0, 'encodeBolt11: a route hint has no hops');
  return bytesToWords(Buffer.concat(hops.map(routeHop)));
}

function routeHop(hop: RouteHop): Uint8Array {
  const nodeId = fromHex(hop.nodeId);
  assert(nodeId.length === 33, 'encodeBolt11: a node id must have 33 bytes');
  const [block, transaction, output] = readShortChannelId(hop.shortChannelId);
  const rest = new DataView(new ArrayBuffer(18));
  rest.setBigUint64(0, (block << 40n) | (transaction << 16n) | output);
  assert(
    hop.feeBaseMsat >= 0n && hop.feeBaseMsat < 1n << 32n && hop.feeProportionalMillionths < 2 ** 32,
    'encodeBolt11: a fee of a route hint is out of range',
  );
  rest.setUint32(8, Number(hop.feeBaseMsat));
  rest.setUint32(12, hop.feeProportionalMillionths);
  assert(hop.cltvExpiryDelta < 2 ** 16, 'encodeBolt11: a time lock of a hint is out of range');
  rest.setUint16(16, hop.cltvExpiryDelta);
  return Buffer.concat([nodeId, new Uint8Array(rest.buffer)]);
}

function readShortChannelId(text: string): [block: bigint, transaction: bigint, output: bigint] {
  const [, block = '', transaction = '', output = ''] = /^(\d+)x(\d+)x(\d+)$/.exec(text) ?? [];
  assert(block !== '', 'encodeBolt11: a short channel id is not of the form 1x2x3');
  const parts: [bigint, bigint, bigint] = [BigInt(block), BigInt(transaction), BigInt(output)];
  const isPossible = parts[0] < 1n << 24n && parts[1] < 1n << 24n && parts[2] < 1n << 16n;
  assert(isPossible, 'encodeBolt11: a short channel id is out of range');
  return parts;
}

function featureField(bits: readonly number[]): number[] {
  if (bits.length === 0) return [];
  const words = Array<number>(Math.floor(Math.max(...bits) / 5) + 1).fill(0);
  for (const bit of bits) {
    const at = words.length - 1 - Math.floor(bit / 5);
    words[at] = (words[at] ?? 0) | (1 << (bit % 5));
  }
  return field(FIELD.features, words);
}
