import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { NodeInvoice, PaymentOutcome } from '../../lightning-node.ts';
import { hex32, int64 } from '../remote/exact-json.ts';
import { classOfWords } from './failures.ts';

const optional = <T extends z.ZodType>(shape: T) =>
  shape.nullish().transform((value) => value ?? null);
const seconds = optional(int64);
/** Some services write an empty text where they have nothing. */
const preimage = z
  .union([hex32, z.literal('')])
  .nullish()
  .transform((value) => (value === '' ? null : (value ?? null)));

/** NIP-47, `lookup_invoice`: an invoice or a payment. Old services have no `state`. */
export const transactionShape = z.object({
  type: z.enum(['incoming', 'outgoing']).nullish(),
  state: z.string().nullish(),
  invoice: z.string().nullish(),
  preimage,
  payment_hash: hex32,
  amount: int64,
  fees_paid: optional(int64),
  created_at: seconds,
  expires_at: seconds,
  settled_at: seconds,
});
export type WalletTransaction = z.infer<typeof transactionShape>;

/** One word for what a service says in several ways. */
export function stateOf(
  transaction: WalletTransaction,
): 'pending' | 'held' | 'settled' | 'expired' | 'failed' {
  switch (transaction.state?.toLowerCase()) {
    case 'settled':
      return 'settled';
    case 'accepted':
      return 'held';
    case 'expired':
      return 'expired';
    case 'failed':
      return 'failed';
    default:
      return (transaction.settled_at ?? 0n) > 0n ? 'settled' : 'pending';
  }
}

export function provesPayment(preimageHex: string, paymentHash: string): boolean {
  return createHash('sha256').update(preimageHex, 'hex').digest('hex') === paymentHash;
}

/** A wallet service is somebody else's: a payment has succeeded when it shows the preimage. */
export function outcomeOfTransaction(transaction: WalletTransaction): PaymentOutcome {
  if (transaction.type === 'incoming') {
    return { state: 'unknown', detail: 'the wallet service shows an invoice of this hash instead' };
  }
  const state = stateOf(transaction);
  if (state === 'settled') {
    const { preimage: shown, payment_hash } = transaction;
    if (shown === null || !provesPayment(shown, payment_hash)) {
      return { state: 'unknown', detail: 'the wallet service says paid, and shows no preimage' };
    }
    return {
      state: 'succeeded',
      preimage: shown,
      amountMsat: transaction.amount,
      feeMsat: transaction.fees_paid ?? 0n,
      endedAtMs: millisecondsOf(transaction.settled_at),
    };
  }
  if (state === 'failed' || state === 'expired') {
    return {
      state: 'failed',
      failure: {
        failureClass: classOfWords(state),
        code: `state ${state}`,
        detail: 'the wallet service lists the payment as failed',
        at: null,
      },
    };
  }
  return { state: 'in_flight' };
}

/** @param bolt11 what the service leaves out of a lookup */
export function invoiceOfTransaction(
  transaction: WalletTransaction,
  bolt11: string,
  expiresAtMs: number,
): NodeInvoice {
  const state = stateOf(transaction);
  const isSettled = state === 'settled';
  const states = {
    pending: 'open',
    held: 'held',
    settled: 'settled',
    expired: 'cancelled',
    failed: 'cancelled',
  } as const;
  return {
    paymentHash: transaction.payment_hash,
    bolt11,
    amountMsat: transaction.amount === 0n ? null : transaction.amount,
    expiresAtMs,
    state: states[state],
    receivedMsat: isSettled || state === 'held' ? transaction.amount : 0n,
    settledAtMs: isSettled ? millisecondsOf(transaction.settled_at) : null,
    preimage: isSettled ? transaction.preimage : null,
  };
}

export function millisecondsOf(secondsSince1970: bigint | null): number | null {
  return secondsSince1970 === null ? null : Number(secondsSince1970) * 1_000;
}
