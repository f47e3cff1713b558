import { decodeBolt11 } from '@quittance/bitcoin';

/**
 * The channels that every way to a recipient has to pass: those of an invoice's only route hint
 * (BOLT 11, `r`), behind which a private recipient lives. Which of several hints, or of the graph's
 * channels, a payment takes is the node's choice: it has its own memory of them.
 */
export function namedChannels(destination: string): readonly string[] {
  const read = decodeBolt11(destination.toLowerCase());
  const hints = read.ok ? read.invoice.routeHints : [];
  const [only] = hints;
  return hints.length === 1 && only !== undefined
    ? only.map(({ shortChannelId }) => shortChannelId)
    : [];
}
