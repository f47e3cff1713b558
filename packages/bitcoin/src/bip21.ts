import { assert, formatBtc, MAX_SATS, parseDecimal, type Sats } from '@quittance/kernel';

/** What a payment link asks for. Texts are plain: encoding and decoding happen here. */
export interface PaymentRequest {
  /** May be left out when there is another instruction (BIP321). */
  readonly address?: string;
  readonly amountSats?: Sats;
  /** Who is paid. */
  readonly label?: string;
  /** What for. */
  readonly message?: string;
  /** A BOLT 11 invoice. Wallets that know it prefer it to the address. */
  readonly lightning?: string;
  /** A BOLT 12 offer (BIP321). */
  readonly lno?: string;
  /** A payjoin endpoint (BIP78). */
  readonly pj?: string;
}

export type ParsedBip21 =
  | {
      ok: true;
      request: PaymentRequest;
      /** Further addresses, from parameters named after their prefix: bc=, tb=, bcrt=. */
      otherAddresses: readonly string[];
    }
  | { ok: false; code: 'invalid' | 'unknown_requirement'; reason: string };

/** The longest code that a QR can hold has 4,296 characters; links may carry a little more. */
const MAX_LINK_LENGTH = 8_000;
const SCHEME = 'bitcoin:';
const TEXT_KEYS = ['label', 'message', 'lightning', 'lno', 'pj'] as const;
/** Parameters that must not come twice (BIP321), whether required or not. */
const SINGLE_KEYS: ReadonlySet<string> = new Set(['amount', 'label', 'message', 'pop', 'pj']);
/** Parameters that are understood, so that their required form can be accepted. */
const KNOWN_KEYS: ReadonlySet<string> = new Set(['amount', ...TEXT_KEYS]);
const ADDRESS_PREFIXES: ReadonlySet<string> = new Set(['bc', 'tb', 'bcrt']);

/**
 * Writes a payment link (BIP21, BIP321). The amount is in BTC with no more decimals than needed.
 * @throws {AssertionError} when there is nothing to pay to, or the amount is not between 1 sat and
 *   all bitcoin
 */
export function formatBip21(request: PaymentRequest): string {
  const { address = '', amountSats } = request;
  assert(/^[0-9A-Za-z]*$/.test(address), 'formatBip21: this is not an address');
  const hasLightning = request.lightning !== undefined || request.lno !== undefined;
  assert(address !== '' || hasLightning, 'formatBip21: nothing to pay to');
  const parameters: string[] = [];
  if (amountSats !== undefined) {
    assert(amountSats > 0n && amountSats <= MAX_SATS, 'formatBip21: the amount is out of range');
    parameters.push(`amount=${formatBtc(amountSats).replace(/\.?0+$/, '')}`);
  }
  for (const key of TEXT_KEYS) {
    const value = request[key];
    // Text cut in the middle of a character cannot be encoded; such halves become U+FFFD.
    if (value !== undefined) parameters.push(`${key}=${encodeURIComponent(value.toWellFormed())}`);
  }
  return SCHEME + address + (parameters.length > 0 ? `?${parameters.join('&')}` : '');
}

/**
 * The link in the form that makes the smaller QR code: bech32 addresses, Lightning invoices and
 * offers in capitals, which a QR code packs more tightly. The names of parameters stay small: BIP21 was
 * strict about them, and a wallet that misses the amount is worse than a larger code.
 */
export function bip21ForQr(request: PaymentRequest): string {
  const { address, lightning, lno } = request;
  const plain = formatBip21(request);
  const compact = formatBip21({
    ...request,
    ...(address !== undefined && isBech32Address(address) && { address: address.toUpperCase() }),
    ...(lightning !== undefined && { lightning: lightning.toUpperCase() }),
    ...(lno !== undefined && { lno: lno.toUpperCase() }),
  });
  return qrBits(compact) < qrBits(plain) ? compact : plain;
}

/**
 * Reads a payment link (BIP21, BIP321). Addresses are checked for their alphabet only: see
 * `addressToScript`. A required parameter that is not understood makes the link invalid.
 */
export function parseBip21(text: string): ParsedBip21 {
  if (text.length > MAX_LINK_LENGTH) return invalid('the link is too long');
  if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME) {
    return invalid('a payment link begins with "bitcoin:"');
  }
  const [link = ''] = text.slice(SCHEME.length).split('#');
  const separator = link.indexOf('?');
  const address = separator < 0 ? link : link.slice(0, separator);
  if (!/^[0-9A-Za-z]*$/.test(address)) return invalid('the address has impossible characters');
  const query = readQuery(separator < 0 ? '' : link.slice(separator + 1));
  if (!query.ok) return query;
  return readRequest(unifyCase(address), query.parameters);
}

type Parameter = readonly [key: string, value: string];

function readQuery(
  query: string,
): { ok: true; parameters: Parameter[] } | Extract<ParsedBip21, { ok: false }> {
  const parameters: Parameter[] = [];
  const seen = new Set<string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const [rawKey = '', ...rest] = part.split('=');
    const fullKey = decode(rawKey)?.toLowerCase();
    const value = decode(rest.join('='));
    if (fullKey === undefined || value === undefined) {
      return invalid('a parameter is not percent-encoded UTF-8');
    }
    const isRequired = fullKey.startsWith('req-');
    const key = isRequired ? fullKey.slice('req-'.length) : fullKey;
    if (SINGLE_KEYS.has(key) && seen.has(key)) return invalid(`"${key}" stands there twice`);
    if (isRequired && !KNOWN_KEYS.has(key)) {
      const reason = 'the link requires something that is not understood here';
      return { ok: false, code: 'unknown_requirement', reason };
    }
    seen.add(key);
    parameters.push([key, value]);
  }
  return { ok: true, parameters };
}

function readRequest(address: string, parameters: readonly Parameter[]): ParsedBip21 {
  const first = (key: string) => parameters.find(([each]) => each === key)?.[1];
  const otherAddresses: string[] = [];
  for (const [key, value] of parameters) {
    if (!ADDRESS_PREFIXES.has(key)) continue;
    const other = unifyCase(value);
    if (!other.startsWith(`${key}1`)) return invalid(`"${key}" holds an address of another kind`);
    otherAddresses.push(other);
  }
  const amountText = first('amount');
  const amountSats = amountText === undefined ? undefined : parseAmount(amountText);
  if (amountSats === null) return invalid('the amount is not a plain decimal number of BTC');
  const [lightning, lno] = [first('lightning'), first('lno')];
  // Silent payments count as instructions although they are not read here.
  const hasInstruction = parameters.some(([key]) =>
    ['lightning', 'lno', 'sp', 'pay'].includes(key),
  );
  if (address === '' && otherAddresses.length === 0 && !hasInstruction) {
    return invalid('the link names nothing to pay to');
  }
  const [label, message, pj] = [first('label'), first('message'), first('pj')];
  const request: PaymentRequest = {
    ...(address !== '' && { address }),
    ...(amountSats !== undefined && { amountSats }),
    ...(label !== undefined && { label }),
    ...(message !== undefined && { message }),
    ...(lightning !== undefined && { lightning: unifyCase(lightning) }),
    ...(lno !== undefined && { lno: unifyCase(lno) }),
    ...(pj !== undefined && { pj }),
  };
  return { ok: true, request, otherAddresses };
}

/** The grammar allows ".5", "5." and zeros anywhere around; null when it is no amount. */
function parseAmount(text: string): Sats | null {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text);
  if (match === null || !/\d/.test(text)) return null;
  const whole = (match[1] ?? '').replace(/^0+/, '') || '0';
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  const parsed = parseDecimal(fraction === '' ? whole : `${whole}.${fraction}`, 8);
  return parsed.ok && parsed.value <= MAX_SATS ? parsed.value : null;
}

/** Bech32 in capitals means the same as in small letters; base58 does not, and mixes both. */
function unifyCase(text: string): string {
  const isBech32 = isBech32Address(text) || /^ln/i.test(text);
  return isBech32 && text === text.toUpperCase() ? text.toLowerCase() : text;
}

function isBech32Address(text: string): boolean {
  return /^(bc|tb|bcrt)1/i.test(text);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Bits of the text in a QR code when each stretch is packed in its best mode (ISO/IEC 18004:
 * 5.5 bits a character for capitals, digits and a few signs, else 8; headers as in versions 1-9).
 */
function qrBits(text: string): number {
  let packed = 4 + 9;
  let plain = 4 + 8;
  for (const character of text) {
    const packedNext = /[0-9A-Z $%*+\-./:]/.test(character)
      ? Math.min(packed, plain + 4 + 9) + 5.5
      : Number.POSITIVE_INFINITY;
    plain = Math.min(plain, packed + 4 + 8) + 8;
    packed = packedNext;
  }
  return Math.min(packed, plain);
}

function invalid(reason: string): Extract<ParsedBip21, { ok: false }> {
  return { ok: false, code: 'invalid', reason };
}
