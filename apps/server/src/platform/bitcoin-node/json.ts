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
