import { createHash } from 'node:crypto';
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
import { localCause } from '../remote/local-cause.ts';
import { NotSentError } from '../remote/node-http.ts';
import { readChannels } from './channels.ts';
import { failureOf, IN_PROGRESS } from './failures.ts';
import { ClnRefusal, type ClnRpc } from './rpc.ts';
import { type ClnPay, paidShape, paysShape } from './shapes.ts';

/** Core Lightning tries no longer than this for us; so after a restart we know when it has stopped. */
const MAX_TRYING_MS = 15 * 60_000;
/** Its own time limit ends `xpay`; parts on their way may take longer to come back. */
const ANSWER_MARGIN_MS = 120_000;
/** The clocks of two machines. */
const CLOCK_MARGIN_MS = 60_000;
/** Causes that we keep in words for the operator; see `track`. */
const MAX_REMEMBERED = 1_000;

export type ClnPayments = {
  /** Never throws for what may have been sent: that is `unknown`. */
  pay(request: NewPayment): Promise<PaymentOutcome>;
  /** Never throws: `unknown` when there is no answer. */
  track(paymentHash: string): Promise<PaymentOutcome>;
};

/**
 * Payments by `xpay`, or by `pay` where the node is too old for it. Two hazards shape this:
 * - `listpays` says "failed" between two attempts of a command that goes on trying, and nothing at
 *   all before its first attempt. So failed is final only when the command has ended: we have seen
 *   its end, or the longest time that any of ours may try is over.
 * - `pay` of a paid invoice gives the old preimage, as if it were paid again. So what is known of the
 *   hash is asked for first.
 */
export function createPayments(
  rpc: ClnRpc,
  {
    network,
    clock,
    hasXpay,
  }: { network: LightningInfo['network']; clock: Clock; hasXpay: boolean },
): ClnPayments {
  const running = new Set<string>();
  const ended = new Map<string, LightningFailure>();

  async function list(paymentHash: string): Promise<ClnPay[]> {
    return (await rpc.call('listpays', { payment_hash: paymentHash }, paysShape)).pays;
  }

  async function track(paymentHash: string): Promise<PaymentOutcome> {
    try {
      const pays = await list(paymentHash);
      const complete = pays.find(({ status }) => status === 'complete');
      if (complete !== undefined) return succeeded(complete);
      if (running.has(paymentHash)) return { state: 'in_flight' };
      if (pays.some(({ status }) => status === 'pending')) return { state: 'in_flight' };
      if (pays.length === 0) return { state: 'not_found' };
      return failedFor(paymentHash, pays);
    } catch (error) {
      if (!(error instanceof LightningNodeError)) throw error;
      return { state: 'unknown', detail: error.message };
    }
  }

  function failedFor(paymentHash: string, pays: readonly ClnPay[]): PaymentOutcome {
    const failure = ended.get(paymentHash);
    if (failure !== undefined) return { state: 'failed', failure };
    const last = Math.max(...pays.map(({ created_at }) => Number(created_at))) * 1_000;
    if (clock.nowMs() < last + MAX_TRYING_MS + CLOCK_MARGIN_MS) return { state: 'in_flight' };
    return {
      state: 'failed',
      failure: {
        failureClass: 'no_route',
        code: 'listpays failed',
        detail: 'Core Lightning has given it up; it does not keep why',
        at: null,
      },
    };
  }

  async function follow(request: NewPayment): Promise<PaymentOutcome> {
    const { paymentHash } = request;
    try {
      const [method, params] = command(request, hasXpay);
      const timeoutMs = trying(request) + ANSWER_MARGIN_MS;
      const mayWrite = () => isInTime(request, clock);
      const paid = await rpc.call(method, params, paidShape, { timeoutMs, mayWrite });
      if (sha256(paid.payment_preimage) !== paymentHash) {
        return { state: 'unknown', detail: 'Core Lightning gives the preimage of another payment' };
      }
      // Asked again, so that this and every later answer are the same.
      const [listed] = await list(paymentHash).catch(() => []);
      if (listed?.status === 'complete') return succeeded(listed);
      return {
        state: 'succeeded',
        preimage: paid.payment_preimage,
        amountMsat: paid.amount_msat,
        feeMsat: paid.amount_sent_msat - paid.amount_msat,
        endedAtMs: null,
      };
    } catch (error) {
      if (!(error instanceof LightningNodeError)) throw error;
      return afterError(request, error);
    } finally {
      running.delete(paymentHash);
    }
  }

  async function afterError(
    request: NewPayment,
    error: LightningNodeError,
  ): Promise<PaymentOutcome> {
    if (error instanceof NotSentError) return unavailable(error);
    if (!(error instanceof ClnRefusal)) return { state: 'unknown', detail: error.message };
    if (error.code !== 'refused') return unavailable(error);
    if (error.rpcCode === IN_PROGRESS) return { state: 'in_flight' };
    // The command has ended. Parts of it may still be out; and what was paid, was not by us.
    const failure = await explained(failureOf(error), request);
    const pays = await list(request.paymentHash).catch(() => undefined);
    if (pays === undefined) return { state: 'unknown', detail: error.message };
    remember(request.paymentHash, failure);
    if (failure.failureClass === 'already_paid') return { state: 'failed', failure };
    const complete = pays.find(({ status }) => status === 'complete');
    if (complete !== undefined) return succeeded(complete);
    if (pays.some(({ status }) => status === 'pending')) return { state: 'in_flight' };
    return { state: 'failed', failure };
  }

  /** "No route" has the same cause for an empty channel, a peer that is away, and a missing path. */
  async function explained(
    failure: LightningFailure,
    { amountMsat }: NewPayment,
  ): Promise<LightningFailure> {
    if (failure.failureClass !== 'no_route') return failure;
    const channels = await readChannels(rpc).catch(() => undefined);
    const cause = channels === undefined ? undefined : localCause(channels, amountMsat);
    return cause === undefined ? failure : { ...failure, ...cause };
  }

  function remember(paymentHash: string, failure: LightningFailure): void {
    ended.set(paymentHash, failure);
    const [oldest] = ended.keys();
    if (ended.size > MAX_REMEMBERED && oldest !== undefined) ended.delete(oldest);
  }

  async function pay(request: NewPayment): Promise<PaymentOutcome> {
    const { paymentHash } = request;
    const fault = faultOf(request, network, clock.nowMs());
    if (fault !== null) return { state: 'failed', failure: fault };
    if (running.has(paymentHash)) return { state: 'in_flight' };
    running.add(paymentHash);
    let known: ClnPay[];
    try {
      known = await list(paymentHash);
    } catch (error) {
      running.delete(paymentHash);
      if (error instanceof LightningNodeError) return unavailable(error);
      throw error;
    }
    if (known.some(({ status }) => status === 'complete')) {
      running.delete(paymentHash);
      return alreadyPaid();
    }
    ended.delete(paymentHash);
    const outcome = follow(request);
    outcome.catch(() => undefined);
    const waited = await Promise.race([outcome, sleep(request.waitMs, undefined, { ref: false })]);
    return waited ?? { state: 'in_flight' };
  }

  return { pay, track };
}

function trying({ timeoutMs }: NewPayment): number {
  return Math.min(timeoutMs, MAX_TRYING_MS);
}

function command(
  request: NewPayment,
  hasXpay: boolean,
): [method: string, params: Record<string, unknown>] {
  const { destination, amountMsat, maxFeeMsat } = request;
  if ('keysendTo' in destination) {
    throw new NotSentError(
      'unsupported',
      'Core Lightning chooses the preimage of a keysend, so its hash can not be stored before',
    );
  }
  const invoice = 'bolt11' in destination ? destination.bolt11 : destination.bolt12Invoice;
  const amount = 'bolt11' in destination && leavesAmountOpen(invoice);
  const terms = {
    ...(amount ? { amount_msat: `${amountMsat}msat` } : {}),
    maxfee: `${maxFeeMsat}msat`,
    retry_for: Math.max(1, Math.floor(trying(request) / 1_000)),
  };
  return hasXpay
    ? ['xpay', { invstring: invoice, ...terms }]
    : ['pay', { bolt11: invoice, ...terms }];
}

function succeeded(pay: ClnPay): PaymentOutcome {
  const { preimage, payment_hash } = pay;
  if (preimage === null || preimage === undefined || sha256(preimage) !== payment_hash) {
    return { state: 'unknown', detail: 'Core Lightning says paid, and shows no preimage' };
  }
  const amountMsat = pay.amount_msat ?? pay.amount_sent_msat ?? 0n;
  return {
    state: 'succeeded',
    preimage,
    amountMsat,
    feeMsat: (pay.amount_sent_msat ?? amountMsat) - amountMsat,
    endedAtMs: Number(pay.completed_at ?? pay.created_at) * 1_000,
  };
}

function unavailable(error: LightningNodeError): PaymentOutcome {
  const { code, message } = error;
  return {
    state: 'failed',
    failure: { failureClass: 'node_unavailable', code, detail: message, at: null },
  };
}

function alreadyPaid(): PaymentOutcome {
  return {
    state: 'failed',
    failure: {
      failureClass: 'already_paid',
      code: 'listpays complete',
      detail: 'Core Lightning has paid this hash before',
      at: null,
    },
  };
}

function sha256(hex: string): string {
  return createHash('sha256').update(hex, 'hex').digest('hex');
}
