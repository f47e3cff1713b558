import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import type {
  LightningFailure,
  LightningInfo,
  NewPayment,
  PaymentOutcome,
} from '../../lightning-node.ts';
import { faultOf, isInTime, leavesAmountOpen } from '../remote/check-payment.ts';
import { NotSentError } from '../remote/node-http.ts';
import { classOfRefusal } from './failures.ts';
import { outcomeOf } from './outcome.ts';
import { grpcCodes, LndRefusal, type LndRest } from './rest.ts';
import { type LndAttempt, type LndPayment, paymentShape } from './shapes.ts';
import { whyNoRoute } from './why-no-route.ts';

/** The first message of a tracked payment comes at once, from LND's database. */
const TRACK_TIMEOUT_MS = 20_000;
/** LND counts the time for trying in whole seconds. */
const MS_PER_SECOND = 1_000;
/** A recipient who has got some of the parts gives them back after one to three minutes. */
const FOLLOW_LONGER_MS = 180_000;
/** LND's first message comes within some ms; without it nobody knows whether it has the payment. */
const FIRST_MESSAGE_MS = 3_000;
const POLL_MS = 20;
/** The record that carries a keysend's preimage (bLIP 3). */
const KEYSEND_RECORD = '5482373484';
/** `TLV_ONION_OPT` (BOLT 9): the recipient reads records in the onion. */
const TLV_ONION_OPTIONAL = 9;
/** Failures whose cause we keep; older ones are told with what LND still knows. */
const MAX_REMEMBERED = 1_000;

export type LndPayments = {
  /** Never throws for what may have been sent: that is `unknown`. */
  pay(request: NewPayment): Promise<PaymentOutcome>;
  /** What LND's record says. Never throws: `unknown` when there is no answer. */
  track(paymentHash: string): Promise<PaymentOutcome>;
  /** The outcome of a payment that LND has listed. */
  read(payment: LndPayment): PaymentOutcome;
};

/**
 * LND deletes the failed attempts of a payment when it ends, and with them the cause. So the stream
 * of a payment is followed to its end, also when the caller has stopped waiting, and the cause is
 * kept in memory: it is words for the operator, no more.
 */
export function createPayments(
  rest: LndRest,
  { network, clock }: { network: LightningInfo['network']; clock: Clock },
): LndPayments {
  const causes = new Map<string, LightningFailure>();

  function remember(paymentHash: string, failure: LightningFailure): void {
    causes.set(paymentHash, failure);
    const [oldest] = causes.keys();
    if (causes.size > MAX_REMEMBERED && oldest !== undefined) causes.delete(oldest);
  }

  function read(payment: LndPayment): PaymentOutcome {
    const outcome = outcomeOf(payment);
    const failure = causes.get(payment.payment_hash);
    return outcome.state === 'failed' && failure !== undefined
      ? { state: 'failed', failure }
      : outcome;
  }

  async function track(paymentHash: string): Promise<PaymentOutcome> {
    const id = urlBase64(paymentHash);
    try {
      const messages = rest.stream(
        { path: `/v2/router/track/${id}`, timeoutMs: TRACK_TIMEOUT_MS },
        paymentShape,
      );
      for await (const payment of messages) return read(payment);
      return { state: 'unknown', detail: 'LND said nothing of the payment' };
    } catch (error) {
      if (!(error instanceof LightningNodeError)) throw error;
      if (isNotFound(error)) return { state: 'not_found' };
      return { state: 'unknown', detail: error.message };
    }
  }

  /** Follows SendPaymentV2. LND goes on by itself, whether we follow or not. */
  async function follow(request: NewPayment, progress: Progress): Promise<PaymentOutcome> {
    const seen: LndAttempt[] = [];
    try {
      const body = sendRequest(request);
      const timeoutMs = request.timeoutMs + FOLLOW_LONGER_MS;
      const mayWrite = () => isInTime(request, clock);
      const call = { path: '/v2/router/send', body, timeoutMs, mayWrite };
      const messages = rest.stream(call, paymentShape);
      for await (const payment of messages) {
        progress.last = payment;
        seen.push(...payment.htlcs.filter(({ status }) => status === 'FAILED'));
        if (isEnded(payment)) break;
      }
    } catch (error) {
      if (progress.last === undefined) return notStarted(request, error);
      if (!(error instanceof LightningNodeError)) throw error;
    }
    const { last } = progress;
    if (last === undefined) return { state: 'unknown', detail: 'LND said nothing of the payment' };
    const outcome = outcomeOf(last, seen);
    if (outcome.state !== 'failed') return outcome;
    const failure = await explained(rest, outcome.failure, request, seen);
    remember(request.paymentHash, failure);
    return { state: 'failed', failure };
  }

  /** The stream broke off before LND had said anything of the payment. */
  async function notStarted(request: NewPayment, error: unknown): Promise<PaymentOutcome> {
    if (!(error instanceof LightningNodeError)) throw error;
    const because = (failureClass: LightningFailure['failureClass']): PaymentOutcome => ({
      state: 'failed',
      failure: { failureClass, code: error.code, detail: error.message, at: null },
    });
    if (error instanceof NotSentError || error.code === 'unsupported') {
      return because('node_unavailable');
    }
    if (!(error instanceof LndRefusal)) return { state: 'unknown', detail: error.message };
    if (error.code === 'unauthorized') return because('node_unavailable');
    const named = classOfRefusal(error.message);
    if (named !== undefined) return because(named);
    // Words that we do not know: only the node's own record tells whether it was begun.
    const now = await track(request.paymentHash);
    return now.state === 'not_found' ? because('invalid') : now;
  }

  return {
    async pay(request) {
      const fault = faultOf(request, network, clock.nowMs());
      if (fault !== null) return { state: 'failed', failure: fault };
      causes.delete(request.paymentHash);
      const progress: Progress = { last: undefined };
      const outcome = follow(request, progress);
      // A fault after the caller has left has nobody to tell it to.
      outcome.catch(() => undefined);
      const waited = await Promise.race([outcome, after(request.waitMs)]);
      if (waited !== undefined) return waited;
      const begun = await Promise.race([outcome, firstMessage(progress)]);
      if (begun !== undefined) return begun;
      return progress.last === undefined
        ? { state: 'unknown', detail: 'LND has not said that it has the payment' }
        : { state: 'in_flight' };
    },
    track,
    read,
  };
}

type Progress = { last: LndPayment | undefined };

/** A caller with little patience still has to know whether the payment was begun. */
async function firstMessage(progress: Progress): Promise<undefined> {
  const endMs = performance.now() + FIRST_MESSAGE_MS;
  while (progress.last === undefined && performance.now() < endMs) await after(POLL_MS);
  return undefined;
}

function after(ms: number): Promise<undefined> {
  return sleep(ms, undefined, { ref: false });
}

/** In a path, LND reads base64 with the letters for URLs and with padding. */
export function urlBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function isEnded({ status }: LndPayment): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

function sendRequest(request: NewPayment): Record<string, unknown> {
  const common = {
    fee_limit_msat: String(request.maxFeeMsat),
    timeout_seconds: Math.max(1, Math.floor(request.timeoutMs / MS_PER_SECOND)),
  };
  const { destination } = request;
  if ('bolt11' in destination) {
    // LND refuses an amount for an invoice that has one.
    return {
      ...common,
      payment_request: destination.bolt11,
      ...(leavesAmountOpen(destination.bolt11) ? { amt_msat: String(request.amountMsat) } : {}),
    };
  }
  if ('keysendTo' in destination) {
    const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
    return {
      ...common,
      dest: base64(destination.keysendTo),
      amt_msat: String(request.amountMsat),
      payment_hash: base64(request.paymentHash),
      dest_custom_records: { [KEYSEND_RECORD]: base64(destination.preimage) },
      dest_features: [TLV_ONION_OPTIONAL],
    };
  }
  throw new LightningNodeError('unsupported', 'LND does not pay BOLT 12 invoices');
}

/** LND has given this answer with a code of its own since v0.15 only. */
function isNotFound(error: LightningNodeError): boolean {
  return (
    error instanceof LndRefusal &&
    (error.grpcCode === grpcCodes.notFound || /payment isn't initiated/i.test(error.message))
  );
}

/** A failure without any attempt has several causes that LND does not tell apart. */
async function explained(
  rest: LndRest,
  failure: LightningFailure,
  request: NewPayment,
  attempts: readonly LndAttempt[],
): Promise<LightningFailure> {
  const unclear: readonly string[] = ['no_route', 'insufficient_local_balance'];
  if (attempts.length > 0 || !unclear.includes(failure.failureClass)) return failure;
  const { destination, amountMsat, maxFeeMsat } = request;
  const found = await whyNoRoute(rest, {
    amountMsat,
    maxFeeMsat,
    bolt11: 'bolt11' in destination ? destination.bolt11 : null,
    recipient: 'keysendTo' in destination ? destination.keysendTo : null,
  });
  return found === undefined ? failure : { ...failure, ...found };
}
