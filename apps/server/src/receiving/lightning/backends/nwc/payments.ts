import type { Clock } from '@quittance/kernel';
import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import type {
  LightningFailure,
  LightningInfo,
  NewPayment,
  PaymentOutcome,
} from '../../lightning-node.ts';
import { faultOf, isInTime, leavesAmountOpen } from '../remote/check-payment.ts';
import { hex32, int64 } from '../remote/exact-json.ts';
import { NotSentError } from '../remote/node-http.ts';
import { meaningOf } from './failures.ts';
import { outcomeOfTransaction, provesPayment, transactionShape } from './transaction.ts';
import { WalletRefusal, type WalletService } from './wallet-service.ts';

/** Who has waited for a payment does not wait long for a second answer. */
const TRACK_SOON_MS = 5_000;

const paidShape = z.object({ preimage: hex32, fees_paid: int64.nullish() });

/** Pays by `pay_invoice` or `pay_keysend`. What may have been sent is never thrown. */
export async function pay(
  wallet: WalletService,
  request: NewPayment,
  { network, clock }: { network: LightningInfo['network']; clock: Clock },
): Promise<PaymentOutcome> {
  const fault = faultOf(request, network, clock.nowMs());
  if (fault !== null) return { state: 'failed', failure: fault };
  try {
    const [method, params] = command(request);
    const paid = await wallet.request(method, params, paidShape, {
      timeoutMs: request.waitMs,
      // Until then the service may begin it; afterwards it must not (NIP-47, "expiration").
      validMs: request.timeoutMs,
      mayPublish: () => isInTime(request, clock),
    });
    if (!provesPayment(paid.preimage, request.paymentHash)) {
      return { state: 'unknown', detail: 'the wallet service says paid with a wrong preimage' };
    }
    // Asked again, so that this and every later answer are the same.
    const listed = await trackPayment(wallet, request.paymentHash);
    if (listed.state === 'succeeded') return listed;
    return {
      state: 'succeeded',
      preimage: paid.preimage,
      amountMsat: request.amountMsat,
      feeMsat: paid.fees_paid ?? 0n,
      endedAtMs: null,
    };
  } catch (error) {
    if (!(error instanceof LightningNodeError)) throw error;
    return afterError(wallet, request.paymentHash, error);
  }
}

function command({
  destination,
  amountMsat,
}: NewPayment): [method: string, params: Record<string, unknown>] {
  const amount = wireAmount(amountMsat);
  if ('bolt11' in destination) {
    const invoice = destination.bolt11;
    return ['pay_invoice', leavesAmountOpen(invoice) ? { invoice, amount } : { invoice }];
  }
  if ('keysendTo' in destination) {
    return [
      'pay_keysend',
      { pubkey: destination.keysendTo, preimage: destination.preimage, amount },
    ];
  }
  throw new NotSentError('unsupported', 'this wallet service does not pay BOLT 12 invoices');
}

/** Amounts are JSON numbers in NIP-47; what a double can not hold exactly must not be sent. */
export function wireAmount(amountMsat: bigint): number {
  const amount = Number(amountMsat);
  if (!Number.isSafeInteger(amount)) {
    throw new NotSentError('unsupported', 'the amount is too large for NIP-47');
  }
  return amount;
}

async function afterError(
  wallet: WalletService,
  paymentHash: string,
  error: LightningNodeError,
): Promise<PaymentOutcome> {
  const because = (
    failureClass: LightningFailure['failureClass'],
    code: string,
  ): PaymentOutcome => ({
    state: 'failed',
    failure: { failureClass, code, detail: error.message, at: null },
  });
  if (error instanceof NotSentError) return because('node_unavailable', error.code);
  if (!(error instanceof WalletRefusal)) {
    // No answer yet: the service may list it as pending, which is more than nothing.
    const now = await trackPayment(wallet, paymentHash, TRACK_SOON_MS);
    return now.state === 'not_found' ? { state: 'unknown', detail: error.message } : now;
  }
  const meaning = meaningOf(error.walletCode, error.message);
  if (meaning.isCertain) return because(meaning.failureClass, error.walletCode);
  const now = await trackPayment(wallet, paymentHash);
  switch (now.state) {
    case 'failed':
      return because(meaning.failureClass, error.walletCode);
    case 'not_found':
      // It says failed, and has no record of it: nothing was begun.
      return error.walletCode === 'PAYMENT_FAILED'
        ? because(meaning.failureClass, error.walletCode)
        : { state: 'unknown', detail: error.message };
    case 'succeeded':
      // Paid before, or by others with the same wallet: this request has not paid it.
      return meaning.failureClass === 'already_paid'
        ? because('already_paid', error.walletCode)
        : now;
    default:
      return now;
  }
}

/** What `lookup_invoice` says. Never throws: `unknown` when there is no answer. */
export async function trackPayment(
  wallet: WalletService,
  paymentHash: string,
  timeoutMs?: number,
): Promise<PaymentOutcome> {
  try {
    const found = await wallet.request(
      'lookup_invoice',
      { payment_hash: paymentHash },
      transactionShape,
      timeoutMs === undefined ? {} : { timeoutMs },
    );
    if (found.payment_hash !== paymentHash) {
      return { state: 'unknown', detail: 'the wallet service shows another payment' };
    }
    return outcomeOfTransaction(found);
  } catch (error) {
    if (!(error instanceof LightningNodeError)) throw error;
    if (error instanceof WalletRefusal && error.walletCode === 'NOT_FOUND') {
      return { state: 'not_found' };
    }
    return { state: 'unknown', detail: error.message };
  }
}
