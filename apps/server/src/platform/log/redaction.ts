const REDACTED = '[secret]';

/** Names of fields whose value is never written, however deep they stand. */
const SECRET_NAME =
  /^(authorization|proxy-authorization|cookie|set-cookie|password|rpcpassword|secret|apikey|api_key|x-api-key|token|accesstoken|access_token|databaseurl|database_url|privatekey|private_key|mnemonic|seed|xprv|signature|x-signature|webhook-signature|btcpay-sig)$/i;

/** Credentials inside an address, and bearer tokens inside a text such as an error's message. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s/@"]+@/gi;
const BEARER = /\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
/** Extended private keys (BIP32, SLIP-132): they have no business here at all. */
const EXTENDED_PRIVATE_KEY = /\b[a-zA-Z]prv[1-9A-HJ-NP-Za-km-z]{50,}\b/g;

/** Replaces passwords in addresses, bearer tokens and private keys inside a text. */
export function redactText(text: string): string {
  return text
    .replaceAll(URL_PASSWORD, `$1:${REDACTED}@`)
    .replaceAll(BEARER, `$1 ${REDACTED}`)
    .replaceAll(EXTENDED_PRIVATE_KEY, REDACTED);
}

/**
 * A copy of a JSON line without secrets, by the fields' names and by pattern. It works on the
 * finished line, because there is no way around it: bindings of children, serializers and
 * messages all come together here.
 */
export function redactLine(line: string): string {
  try {
    return `${JSON.stringify(JSON.parse(line, keepDigits), redactField)}\n`;
  } catch {
    return redactText(line);
  }
}

/** Numbers that a double can't hold (amounts in msat) keep their digits, as a text. */
function keepDigits(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  return context?.source ?? value;
}

function redactField(name: string, value: unknown): unknown {
  if (typeof value === 'string') {
    return SECRET_NAME.test(name) ? REDACTED : redactText(value);
  }
  return SECRET_NAME.test(name) && value !== null ? REDACTED : value;
}
