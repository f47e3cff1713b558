import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type Msats, toHex } from '@quittance/kernel';
import { scriptToAddress } from '../addresses.ts';
import { p2pkhScript, p2shScript, witnessKind, witnessScript } from '../scripts.ts';
import { Bolt11Refusal } from './bolt11-refusal.ts';
import { addressNetworkOf, type LightningNetwork } from './network.ts';
import { type Words, wordsToBytes, wordsToNumber } from './words.ts';

/** One channel of a private way to the payee (BOLT 11, field `r`). */
export type RouteHop = {
  /** The node at whose side the channel begins: 33 bytes in hexadecimal. */
  readonly nodeId: string;
  /** Block, transaction and output: "589390x3312x1". */
  readonly shortChannelId: string;
  readonly feeBaseMsat: Msats;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
};

/** What each letter of a field means, as the number that it has in bech32. */
export const FIELD = {
  paymentHash: 1,
  routeHint: 3,
  features: 5,
  expiry: 6,
  fallback: 9,
  description: 13,
  paymentSecret: 16,
  payee: 19,
  descriptionHash: 23,
  minFinalCltv: 24,
  metadata: 27,
} as const;

/** Names for people, and the fields that say one thing only, so that two of them would be two. */
const SINGLE_FIELDS: readonly (readonly [tag: number, name: string])[] = [
  [FIELD.paymentHash, 'payment hash'],
  [FIELD.paymentSecret, 'payment secret'],
  [FIELD.description, 'description'],
  [FIELD.descriptionHash, "description's hash"],
  [FIELD.payee, 'payee'],
  [FIELD.expiry, 'expiry'],
  [FIELD.minFinalCltv, 'final time lock'],
  [FIELD.features, 'features'],
  [FIELD.metadata, 'metadata'],
];

/** Words of the fields that have one length. Others are skipped, as the examples of BOLT 11 want. */
const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [FIELD.paymentHash, 52],
  [FIELD.paymentSecret, 52],
  [FIELD.descriptionHash, 52],
  [FIELD.payee, 53],
]);

const HOP_BYTES = 33 + 8 + 4 + 4 + 2;
/** Versions of the fallback address that are no witness versions. */
export const P2PKH_FALLBACK = 17;
export const P2SH_FALLBACK = 18;

export type Bolt11FieldValues = {
  readonly paymentHash: string;
  readonly paymentSecret: string;
  readonly description: string | null;
  readonly descriptionHash: string | null;
  readonly metadata: string | null;
  /** Stated, not yet compared with the signature. */
  readonly payee: string | null;
  readonly expirySeconds: number | null;
  readonly minFinalCltvExpiryDelta: number | null;
  /** Numbers of the bits that are set, smallest first. */
  readonly features: readonly number[];
  readonly routeHints: readonly (readonly RouteHop[])[];
  readonly fallbackAddresses: readonly string[];
};

/**
 * Reads the tagged fields between time and signature. Unknown fields are skipped.
 * @throws {Bolt11Refusal} `malformed`, `missing_field` or `duplicate_field`
 */
export function readFields(words: Words, network: LightningNetwork): Bolt11FieldValues {
  const fields = splitFields(words);
  for (const [tag, name] of SINGLE_FIELDS) {
    // Of two payment hashes, another reader might take the other one.
    if (fields.filter((each) => each.tag === tag).length > 1) {
      throw new Bolt11Refusal('duplicate_field', `the invoice has more than one ${name}`);
    }
  }
  const only = (tag: number) => fields.find((each) => each.tag === tag)?.words;
  const all = (tag: number) => fields.filter((each) => each.tag === tag).map((each) => each.words);
  const hex = (tag: number) => {
    const found = only(tag);
    return found === undefined ? null : toHex(bytesOf(found));
  };
  const description = only(FIELD.description);
  const descriptionHash = hex(FIELD.descriptionHash);
  if (description === undefined && descriptionHash === null) throw missing('description');
  if (description !== undefined && descriptionHash !== null) {
    const reason = 'the invoice has both a description and the hash of one';
    throw new Bolt11Refusal('duplicate_field', reason);
  }
  return {
    paymentHash: hex(FIELD.paymentHash) ?? refuseMissing('payment hash'),
    paymentSecret: hex(FIELD.paymentSecret) ?? refuseMissing('payment secret'),
    description: description === undefined ? null : readText(description),
    descriptionHash,
    metadata: hex(FIELD.metadata),
    payee: readPayee(only(FIELD.payee)),
    expirySeconds: readNumber(only(FIELD.expiry), 'expiry'),
    minFinalCltvExpiryDelta: readNumber(only(FIELD.minFinalCltv), 'final time lock'),
    features: readFeatures(only(FIELD.features)),
    routeHints: all(FIELD.routeHint).flatMap(readRouteHint),
    fallbackAddresses: all(FIELD.fallback).flatMap((each) => readFallback(each, network)),
  };
}

type Field = { readonly tag: number; readonly words: Words };

function splitFields(words: Words): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < words.length) {
    const [tag, high, low] = words.slice(at, at + 3);
    if (tag === undefined || high === undefined || low === undefined) throw cut();
    const start = at + 3;
    at = start + high * 32 + low;
    if (at > words.length) throw cut();
    const length = FIXED_LENGTHS.get(tag);
    if (length !== undefined && at - start !== length) continue;
    fields.push({ tag, words: words.slice(start, at) });
  }
  return fields;
}

function bytesOf(words: Words): Uint8Array {
  const bytes = wordsToBytes(words);
  if (bytes === null) throw malformed('a field does not end in zeros');
  return bytes;
}

function readText(words: Words): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(words));
  } catch (error) {
    if (error instanceof Bolt11Refusal) throw error;
    throw malformed('the description is not UTF-8 text');
  }
}

function readPayee(words: Words | undefined): string | null {
  if (words === undefined) return null;
  const bytes = bytesOf(words);
  if (!secp256k1.utils.isValidPublicKey(bytes, true)) throw malformed('the payee is no node');
  return toHex(bytes);
}

function readNumber(words: Words | undefined, name: string): number | null {
  if (words === undefined) return null;
  refuseLeadingZero(words, name);
  const value = wordsToNumber(words);
  if (value === null) throw malformed(`the ${name} is beyond all reason`);
  return value;
}

function readFeatures(words: Words | undefined): number[] {
  if (words === undefined) return [];
  refuseLeadingZero(words, 'feature field');
  const features: number[] = [];
  for (const [index, word] of words.toReversed().entries()) {
    for (let bit = 0; bit < 5; bit++) if ((word >> bit) & 1) features.push(index * 5 + bit);
  }
  return features;
}

function readRouteHint(words: Words): RouteHop[][] {
  const bytes = bytesOf(words);
  if (bytes.length % HOP_BYTES !== 0) throw malformed('a route hint has a wrong length');
  const hops: RouteHop[] = [];
  for (let at = 0; at < bytes.length; at += HOP_BYTES) {
    const hop = bytes.subarray(at, at + HOP_BYTES);
    const view = new DataView(hop.buffer, hop.byteOffset, hop.byteLength);
    const channel = view.getBigUint64(33);
    hops.push({
      nodeId: toHex(hop.subarray(0, 33)),
      shortChannelId: `${channel >> 40n}x${(channel >> 16n) & 0xffffffn}x${channel & 0xffffn}`,
      feeBaseMsat: BigInt(view.getUint32(41)),
      feeProportionalMillionths: view.getUint32(45),
      cltvExpiryDelta: view.getUint16(49),
    });
  }
  return hops.length === 0 ? [] : [hops];
}

/** Addresses of kinds that are not known here are skipped, as BOLT 11 asks. */
function readFallback(words: Words, network: LightningNetwork): string[] {
  const [version, ...rest] = words;
  const data = wordsToBytes(rest);
  if (version === undefined || data === null) return [];
  const script = fallbackScript(version, data);
  const address = script === null ? null : scriptToAddress(script, addressNetworkOf(network));
  return address === null ? [] : [address];
}

function fallbackScript(version: number, data: Uint8Array): Uint8Array | null {
  if (version === P2PKH_FALLBACK) return data.length === 20 ? p2pkhScript(data) : null;
  if (version === P2SH_FALLBACK) return data.length === 20 ? p2shScript(data) : null;
  if (version > 16 || witnessKind(version, data.length) === null) return null;
  return witnessScript(version, data);
}

function refuseLeadingZero(words: Words, name: string): void {
  if (words[0] === 0) throw malformed(`the ${name} is not written in its shortest form`);
}

function refuseMissing(name: string): never {
  throw missing(name);
}

function missing(name: string): Bolt11Refusal {
  return new Bolt11Refusal('missing_field', `the invoice has no ${name}`);
}

function malformed(what: string): Bolt11Refusal {
  return new Bolt11Refusal('malformed', `the invoice is malformed: ${what}`);
}

function cut(): Bolt11Refusal {
  return malformed('a field is longer than the invoice');
}
