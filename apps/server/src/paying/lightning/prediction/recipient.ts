import { createHash } from 'node:crypto';
import { decodeBolt11 } from '@quittance/bitcoin';

/** An offer or LNURL is long and tells nobody anything: its hash names it. */
const HASH_DIGITS = 40;

/**
 * How buckets name whom a payout is for: the node of an invoice, a Lightning address as it is written,
 * anything else by its hash.
 */
export function recipientOf(destination: string): string {
  const text = destination.toLowerCase();
  const read = decodeBolt11(text);
  if (read.ok) return read.invoice.payee;
  if (text.includes('@')) return text;
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS)}`;
}
