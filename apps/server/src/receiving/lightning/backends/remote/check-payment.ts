import { decodeBolt11 } from '@quittance/bitcoin';
import type { LightningFailureClass } from '@quittance/contract';
import type { Clock } from '@quittance/kernel';
import type { LightningFailure, LightningInfo, NewPayment } from '../../lightning-node.ts';

/**
 * What is wrong with a payment before any node is asked; null when nothing is. Nodes differ in what
 * they look at: some pay expired invoices, some ignore an amount that is not the invoice's.
 */
export function faultOf(
  request: Pick<NewPayment, 'destination' | 'paymentHash' | 'amountMsat'>,
  network: LightningInfo['network'],
  nowMs: number,
): LightningFailure | null {
  const { destination, amountMsat, paymentHash } = request;
  if (!('bolt11' in destination)) return null;
  const read = decodeBolt11(destination.bolt11);
  if (!read.ok) return fault('invalid', read.reason);
  const { invoice } = read;
  if (invoice.network !== network) {
    return fault('wrong_network', `the invoice is for ${invoice.network}, this is ${network}`);
  }
  if (invoice.paymentHash !== paymentHash) {
    return fault('invalid', 'the invoice has another payment hash than was stored for it');
  }
  if (invoice.amountMsat !== null && invoice.amountMsat !== amountMsat) {
    return fault(
      'amount_out_of_range',
      `the invoice is over ${invoice.amountMsat} msat, not ${amountMsat}`,
    );
  }
  if (invoice.expiresAtMs <= nowMs) return fault('expired', 'the time of the invoice is over');
  return null;
}

/** Whether a payment may still be given to the node; asked in the moment in which it would be. */
export function isInTime({ notAfterMs }: Pick<NewPayment, 'notAfterMs'>, clock: Clock): boolean {
  return notAfterMs === undefined || clock.nowMs() < notAfterMs;
}

function fault(failureClass: LightningFailureClass, detail: string): LightningFailure {
  return { failureClass, code: 'not_sent', detail, at: null };
}

/** Whether the invoice leaves the amount to the payer. Only for what `faultOf` has passed. */
export function leavesAmountOpen(bolt11: string): boolean {
  const read = decodeBolt11(bolt11);
  return read.ok && read.invoice.amountMsat === null;
}
