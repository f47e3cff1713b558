/**
 * Parses the node's JSON without passing an amount through a float: a number with a fraction or an
 * exponent, or beyond 2^53, becomes the *text* that the node wrote ("0.10000000"); all other
 * numbers stay numbers. The node writes every BTC amount with eight decimals, so that amounts are
 * always text here, and so are ratios such as `difficulty`.
 * @throws {SyntaxError} when `text` is not JSON
 */
export function parseNodeJson(text: string): unknown {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text);
  const quick = LONG_NUMBER.test(text) ? undefined : parseQuoted(text);
  if (quick !== undefined) return quick;
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number') return value;
    const source = context?.source ?? String(value);
    return /[.eE]/.test(source) || !Number.isSafeInteger(value) ? source : value;
  });
}

/**
 * Whether any number needs care, so that the slower parse is spared for long lists of hashes. It
 * looks at what follows a separator; that also hits inside strings, which costs time only.
 */
const MAY_LOSE_DIGITS = /(?:^|[\s:,[])-?[0-9]+[.eE]|[0-9]{16}/;

const LONG_NUMBER = /(?:^|[\s:,[])-?[0-9]{16}/;

/**
 * Parses text whose fractions were put between quotes, four times as quickly as a reviver: answers with
 * transactions are mostly such numbers. Where one was found inside a string, the quote ends that string
 * and a number follows it, which is no JSON whatever comes next: then it is undefined.
 */
function parseQuoted(text: string): unknown {
  try {
    return JSON.parse(text.replace(FRACTION, '$1"$2"'));
  } catch {
    return undefined;
  }
}

/** A number with a fraction or an exponent, where JSON (RFC 8259) may have a value. */
const FRACTION =
  /(^\s*|[:,[]\s*)(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))(?=\s*(?:[,}\]]|$))/g;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const MINUS = 0x2d;
const WHOLE_FRACTION = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)$/;
/** Numbers of so many digits may be beyond 2^53. */
const LONG_DIGITS = 16;
/** Answers up to this size are put together in memory that is kept; larger ones are rare. */
const MAX_SCRATCH = 1 << 20;
let scratch = Buffer.allocUnsafeSlow(1 << 16);

/**
 * The same out of the answer's bytes, which are gone through once: the text that is parsed is the only
 * one that is made.
 * @throws {SyntaxError} when they are not JSON
 */
export function parseNodeJsonBytes({ buffer, byteOffset, byteLength }: Uint8Array): unknown {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  // The shortest fraction has three signs and a separator behind it, and gets two quotes.
  const room = 2 * byteLength + 2;
  if (room > MAX_SCRATCH) return parseNodeJson(bytes.toString('utf8'));
  if (scratch.length < room) scratch = Buffer.allocUnsafeSlow(room);
  const length = quoteFractions(bytes, scratch);
  if (length === null) return parseNodeJson(bytes.toString('utf8'));
  return JSON.parse(scratch.toString('utf8', 0, length));
}

/**
 * Copies JSON with its fractions between quotes.
 * @returns the length; null where a number needs another way
 */
function quoteFractions(from: Buffer, to: Buffer): number | null {
  let copied = 0;
  let length = 0;
  let at = 0;
  while (at < from.length) {
    const sign = from[at] ?? 0;
    if (sign === QUOTE) {
      at = afterString(from, at + 1);
      continue;
    }
    if (sign !== MINUS && !isDigit(sign)) {
      at += 1;
      continue;
    }
    const begin = at;
    let isWhole = true;
    for (at += 1; at < from.length; at++) {
      const next = from[at] ?? 0;
      if (isDigit(next)) continue;
      if (!isOfNumber(next)) break;
      isWhole = false;
    }
    if (isWhole) {
      if (at - begin >= LONG_DIGITS) return null;
      continue;
    }
    // What is no number, or stands where a name has to be, is for JSON.parse to refuse.
    if (!WHOLE_FRACTION.test(from.toString('latin1', begin, at)) || isBeforeColon(from, at))
      return null;
    length += from.copy(to, length, copied, begin);
    to[length++] = QUOTE;
    length += from.copy(to, length, begin, at);
    to[length++] = QUOTE;
    copied = at;
  }
  return length + from.copy(to, length, copied, from.length);
}

/** The place behind the string that is open at `at`. */
function afterString(bytes: Buffer, at: number): number {
  for (let from = at; ; ) {
    const end = bytes.indexOf(QUOTE, from);
    if (end < 0) return bytes.length;
    let slashes = 0;
    while (end - 1 - slashes >= at && bytes[end - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    from = end + 1;
  }
}

function isDigit(sign: number): boolean {
  return sign >= 0x30 && sign <= 0x39;
}

/** A point, an exponent's letter or a sign. */
function isOfNumber(sign: number): boolean {
  return sign === 0x2e || sign === 0x65 || sign === 0x45 || sign === 0x2b || sign === MINUS;
}

function isBeforeColon(bytes: Buffer, at: number): boolean {
  let next = at;
  while (next < bytes.length && (bytes[next] ?? 0) <= 0x20) next += 1;
  return bytes[next] === COLON;
}
