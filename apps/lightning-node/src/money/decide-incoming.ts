import type { InvoiceRecord, Settings } from '../state/records.ts';

/** What arrived: for an invoice of ours, or without one (keysend). */
export type Incoming = { kind: 'invoice' | 'keysend'; amountMsat: bigint };

export type IncomingDecision =
  | { do: 'claim' }
  /** Wait for somebody to settle or cancel. */
  | { do: 'hold' }
  /** Neither take nor refuse, for ever: the recipient of nightmares, for tests. */
  | { do: 'ignore' }
  | { do: 'refuse'; why: string };

/**
 * Whether a payment that has arrived is taken. LDK has no clock of its own and would take payments
 * up to two hours after the invoice's end, and an invoice that is paid already a second time.
 */
export function decideIncoming(
  incoming: Incoming,
  { record, settings, nowMs }: { record: InvoiceRecord | null; settings: Settings; nowMs: number },
): IncomingDecision {
  if (settings.incoming === 'reject') return { do: 'refuse', why: 'everything is refused' };
  if (settings.incoming === 'hold') return { do: 'ignore' };
  if (incoming.kind === 'keysend') {
    return settings.acceptKeysend
      ? { do: 'claim' }
      : { do: 'refuse', why: 'payments without an invoice are not accepted' };
  }
  if (record === null) return { do: 'refuse', why: 'there is no such invoice' };
  // LDK tells again of what it had told before it was restarted.
  if (record.state === 'held') return { do: 'hold' };
  if (record.state !== 'open') return { do: 'refuse', why: `the invoice is ${record.state}` };
  if (nowMs >= record.expiresAtMs) return { do: 'refuse', why: 'the invoice has expired' };
  if (record.amountMsat !== null && incoming.amountMsat < BigInt(record.amountMsat)) {
    return { do: 'refuse', why: 'it is less than the invoice asks for' };
  }
  return record.isHold ? { do: 'hold' } : { do: 'claim' };
}
