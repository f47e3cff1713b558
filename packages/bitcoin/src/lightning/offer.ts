import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bech32 } from '@scure/base';
import { MAX_SATS, type Msats, MSATS_PER_SAT, toHex } from '@quittance/kernel';
import { networkOfGenesis } from '../networks.ts';
import { displayHash } from '../transaction.ts';
import { type LightningNetwork, lightningNetworkOf } from './network.ts';
import { readTlvStream, readTruncated } from './tlv.ts';

/**
 * An offer (BOLT 12), as far as a person and a payout need to know it. Who can pay offers reads the
 * text itself again; nothing here is signed.
 */
export type Offer = {
  /** In small letters, in one piece. */
  readonly bolt12: string;
  /** The Bitcoin chains that it can be paid on; other chains are left out. */
  readonly networks: readonly LightningNetwork[];
  /** For one item. Null: the payer chooses. */
  readonly amount: OfferAmount | null;
  /** Anybody may have written these: never markup. */
  readonly description: string | null;
  readonly issuer: string | null;
  readonly expiresAtMs: number | null;
  /** 0: any number. Null: one, and no quantity may be given. */
  readonly quantityMax: bigint | null;
  readonly issuerId: string | null;
  readonly hasPaths: boolean;
};

export type OfferAmount =
  | { readonly amountMsat: Msats }
  /** In the currency's smallest unit: the issuer converts when asked for an invoice. */
  | { readonly currency: string; readonly minorUnits: bigint };

export type ParsedOffer =
  | { readonly ok: true; readonly offer: Offer }
  | {
      readonly ok: false;
      readonly code: 'not_an_offer' | 'malformed' | 'unknown_feature' | 'unknown_chain';
      readonly reason: string;
    };

/** More than the largest QR code holds. Each path has a few hundred bytes. */
const MAX_OFFER_LENGTH = 8_000;
/** Until then a Date can hold it. */
const MAX_EXPIRY_SECONDS = 8_640_000_000_000n;

const TYPE = {
  chains: 2n,
  metadata: 4n,
  currency: 6n,
  amount: 8n,
  description: 10n,
  features: 12n,
  expiry: 14n,
  paths: 16n,
  issuer: 18n,
  quantityMax: 20n,
  issuerId: 22n,
} as const;
const KNOWN_TYPES: ReadonlySet<bigint> = new Set(Object.values(TYPE));
/** Testnet 3: other software still makes offers for it. */
const TESTNET3_GENESIS = '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943';

/** Carries a refusal from the depths of the parser to its front door. */
class OfferRefusal extends Error {
  readonly code: Extract<ParsedOffer, { ok: false }>['code'];
  constructor(code: Extract<ParsedOffer, { ok: false }>['code'], reason: string) {
    super(reason);
    this.code = code;
  }
}

/** Reads an offer (BOLT 12): `lno1…`, in pieces joined by `+` or in one. It may have expired. */
export function decodeOffer(text: string): ParsedOffer {
  try {
    return { ok: true, offer: read(text) };
  } catch (error) {
    if (!(error instanceof OfferRefusal)) throw error;
    return { ok: false, code: error.code, reason: error.message };
  }
}

function read(text: string): Offer {
  const { bolt12, bytes } = unwrap(text);
  const records = readTlvStream(bytes);
  if (records === null || records.length === 0) throw malformed('its records are broken');
  for (const { type } of records) {
    const isOffers = (type >= 1n && type <= 79n) || (type >= 10n ** 9n && type < 2n * 10n ** 9n);
    if (!isOffers) throw malformed(`it has a field of another message (${type})`);
    if (type % 2n === 0n && !KNOWN_TYPES.has(type)) {
      throw malformed(`it demands a field that is not known here (${type})`);
    }
  }
  const only = (type: bigint) => records.find((each) => each.type === type)?.value;
  refuseFeatures(only(TYPE.features));
  const [issuerId, paths] = [only(TYPE.issuerId), only(TYPE.paths)];
  if (issuerId === undefined && paths === undefined) throw malformed('it names nobody to ask');
  if (issuerId !== undefined && !isPoint(issuerId)) throw malformed('its issuer is no node');
  if (paths !== undefined) checkPaths(paths);
  const description = textOf(only(TYPE.description), 'description');
  const amount = readAmount(only(TYPE.amount), textOf(only(TYPE.currency), 'currency'));
  if (amount !== null && description === null) throw malformed('it asks money for nothing');
  return {
    bolt12,
    networks: readNetworks(only(TYPE.chains)),
    amount,
    description,
    issuer: textOf(only(TYPE.issuer), 'issuer'),
    expiresAtMs: readExpiry(only(TYPE.expiry)),
    quantityMax: numberOf(only(TYPE.quantityMax), 'quantity'),
    issuerId: issuerId === undefined ? null : toHex(issuerId),
    hasPaths: paths !== undefined,
  };
}

function unwrap(text: string): { bolt12: string; bytes: Uint8Array } {
  const bare = text.trim().replace(/^lightning:/i, '');
  if (bare.length > MAX_OFFER_LENGTH) throw notAnOffer('it is too long');
  const letter = '[a-z0-9]';
  const joined = bare.replace(new RegExp(`(?<=${letter})\\+\\s*(?=${letter})`, 'gi'), '');
  const bolt12 = joined.toLowerCase();
  if (!bolt12.startsWith('lno1')) throw notAnOffer('offers begin with "lno1"');
  if (joined !== bolt12 && joined !== joined.toUpperCase()) {
    throw notAnOffer('it mixes capital and small letters');
  }
  const words = [...bolt12.slice('lno1'.length)].map((each) => ALPHABET.indexOf(each));
  if (words.includes(-1)) throw notAnOffer('it has characters that are not possible');
  const bytes = bech32.fromWordsUnsafe(words);
  if (!(bytes instanceof Uint8Array)) throw malformed('it does not end in zeros');
  return { bolt12, bytes };
}

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Offers have no features yet; an even bit is a demand that is not known (BOLT 9). */
function refuseFeatures(bytes: Uint8Array | undefined): void {
  for (const [index, byte] of (bytes ?? new Uint8Array()).toReversed().entries()) {
    for (let bit = 0; bit < 8; bit += 2) {
      if (((byte >> bit) & 1) === 0) continue;
      const reason = `the offer demands a feature that is not known here: ${index * 8 + bit}`;
      throw new OfferRefusal('unknown_feature', reason);
    }
  }
}

function readNetworks(bytes: Uint8Array | undefined): LightningNetwork[] {
  if (bytes === undefined) return ['mainnet'];
  if (bytes.length === 0 || bytes.length % 32 !== 0) throw malformed('its chains are broken');
  const found = new Set<LightningNetwork>();
  for (let at = 0; at < bytes.length; at += 32) {
    const genesis = displayHash(bytes.subarray(at, at + 32));
    const network = networkOfGenesis(genesis);
    if (network !== null) found.add(lightningNetworkOf(network));
    if (genesis === TESTNET3_GENESIS) found.add('testnet');
  }
  if (found.size === 0) throw new OfferRefusal('unknown_chain', 'this offer is not for Bitcoin');
  return [...found];
}

function readAmount(bytes: Uint8Array | undefined, currency: string | null): OfferAmount | null {
  const amount = numberOf(bytes, 'amount');
  if (amount === null) {
    if (currency !== null) throw malformed('it has a currency but no amount');
    return null;
  }
  if (amount === 0n) throw malformed('it asks for nothing');
  if (currency === null) {
    if (amount > MAX_SATS * MSATS_PER_SAT) throw malformed('it asks for more than all bitcoin');
    return { amountMsat: amount };
  }
  if (!/^[A-Z]{3}$/.test(currency)) throw malformed('its currency is none');
  return { currency, minorUnits: amount };
}

function readExpiry(bytes: Uint8Array | undefined): number | null {
  const seconds = numberOf(bytes, 'expiry');
  if (seconds === null) return null;
  if (seconds > MAX_EXPIRY_SECONDS) throw malformed('its expiry is beyond all reason');
  return Number(seconds) * 1_000;
}

/** Blinded paths (BOLT 4): first node or channel, key, then hops of a key and data each. */
function checkPaths(bytes: Uint8Array): void {
  let at = 0;
  const take = (count: number): Uint8Array => {
    const taken = bytes.subarray(at, at + count);
    if (taken.length < count) throw malformed('a path is cut short');
    at += count;
    return taken;
  };
  const takePoint = () => {
    if (!isPoint(take(33))) throw malformed('a path leads over what is no node');
  };
  if (bytes.length === 0) throw malformed('its list of paths is empty');
  while (at < bytes.length) {
    // A first byte of 0 or 1 is a direction, and eight bytes of a channel's id follow.
    if ((bytes[at] ?? 0) <= 1) take(9);
    else takePoint();
    takePoint();
    const hops = take(1)[0] ?? 0;
    if (hops === 0) throw malformed('a path has no hops');
    for (let hop = 0; hop < hops; hop++) {
      takePoint();
      const [high = 0, low = 0] = take(2);
      take(high * 256 + low);
    }
  }
}

function isPoint(bytes: Uint8Array): boolean {
  return bytes.length === 33 && secp256k1.utils.isValidPublicKey(bytes, true);
}

function numberOf(bytes: Uint8Array | undefined, name: string): bigint | null {
  if (bytes === undefined) return null;
  const value = readTruncated(bytes);
  if (value === null) throw malformed(`its ${name} is not written in the shortest form`);
  return value;
}

function textOf(bytes: Uint8Array | undefined, name: string): string | null {
  if (bytes === undefined) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed(`its ${name} is not UTF-8 text`);
  }
}

function malformed(what: string): OfferRefusal {
  return new OfferRefusal('malformed', `the offer is malformed: ${what}`);
}

function notAnOffer(why: string): OfferRefusal {
  return new OfferRefusal('not_an_offer', `this is not a Lightning offer: ${why}`);
}
