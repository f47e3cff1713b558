import { fromHex, toHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import type { NodeContext } from '../context.ts';
import { bytes32Of, enumName, u64Of } from '../ldk/bindings.ts';
import type { Params, WireFailure, WireOutcome } from '../protocol.ts';
import type { PaymentRecord } from '../state/records.ts';
import { createWaiting } from '../waiting.ts';
import { classifyPathFailure } from './classify-path.ts';
import { prepare } from './send.ts';

export interface Payments {
  /** Sends what is not on its way or paid already, and waits for its outcome. */
  pay(request: Params<'pay'>): Promise<WireOutcome>;
  track(paymentHash: string): WireOutcome;
  onSent(event: ldk.Event_PaymentSent): void;
  onPathFailed(event: ldk.Event_PaymentPathFailed): void;
  onFailed(event: ldk.Event_PaymentFailed): void;
  /** Whether it is a payment of ours (not one that we forward) whose outcome is open. */
  isOpen(paymentHash: string): boolean;
  /** Ends the tries of payments whose time is over; called now and then. */
  stopOverdue(): void;
}

export function createPayments(context: NodeContext): Payments {
  const { parts, records, log } = context;
  const ended = createWaiting();
  const stopped = new Set<string>();

  function end(record: PaymentRecord, outcome: NonNullable<PaymentRecord['outcome']>): void {
    const { paymentHash } = record;
    records.putPayment({ ...record, outcome });
    records.tell({ type: 'payment_ended', paymentHash, outcome });
    stopped.delete(paymentHash);
    ended.done(paymentHash);
  }

  const failed = (failure: WireFailure): Extract<WireOutcome, { state: 'failed' }> => ({
    ...{ state: 'failed', failure, endedAtMs: context.nowMs() },
  });

  /** @returns the outcome where there is one at once */
  function begin(request: Params<'pay'>): WireOutcome | null {
    const { paymentHash, amountMsat, maxFeeMsat } = request;
    const earlier = records.payment(paymentHash);
    if (earlier?.outcome === null) return null;
    if (earlier?.outcome?.state === 'succeeded') {
      const detail = 'this node has paid this payment hash before';
      return failed({ code: 'already_paid', detail, at: null });
    }
    if (request.notAfterMs !== undefined && context.nowMs() >= request.notAfterMs) {
      const detail = 'the request was read when its time was over';
      return failed({ code: 'too_late', detail, at: null });
    }
    const prepared = context.enter(() => prepare(context, request));
    if ('refused' in prepared) return failed(prepared.refused);
    const startedAtMs = context.nowMs();
    const { expiresAtMs } = prepared;
    const stopAtMs = startedAtMs + request.timeoutMs;
    const record: PaymentRecord = {
      ...{ paymentHash, kind: prepared.kind, startedAtMs, lastFailure: null, outcome: null },
      ...{ amountMsat: String(amountMsat), maxFeeMsat: String(maxFeeMsat) },
      ...{ expiresAtMs, stopAtMs: Math.min(stopAtMs, expiresAtMs ?? stopAtMs) },
    };
    records.putPayment(record);
    const failure = context.enter(() => prepared.send());
    context.wake();
    if (failure === null) return null;
    end(record, failed(failure));
    return records.payment(paymentHash)?.outcome ?? null;
  }

  function track(paymentHash: string): WireOutcome {
    const record = records.payment(paymentHash);
    if (record === null) return { state: 'not_found' };
    return record.outcome ?? { state: 'in_flight' };
  }

  return {
    async pay(request) {
      const outcome = begin(request);
      if (outcome !== null) return outcome;
      if (request.waitMs > 0) await ended.until(request.paymentHash, request.waitMs);
      return track(request.paymentHash);
    },
    track,
    onSent(event) {
      const paymentHash = toHex(event.payment_hash);
      const record = records.payment(paymentHash);
      if (record === null) {
        log('warn', `LDK has paid ${paymentHash}, which our records do not know`);
        return;
      }
      // Told again after a restart.
      if (record.outcome?.state === 'succeeded') return;
      end(record, {
        ...{ state: 'succeeded', preimage: toHex(event.payment_preimage) },
        ...{ amountMsat: record.amountMsat, endedAtMs: context.nowMs() },
        feeMsat: String(u64Of(event.fee_paid_msat) ?? 0n),
      });
    },
    onPathFailed(event) {
      learn(context, event);
      const record = records.payment(toHex(event.payment_hash));
      if (record === null || record.outcome !== null) return;
      records.putPayment({ ...record, lastFailure: classifyPathFailure(event) });
    },
    onFailed(event) {
      const hash = bytes32Of(event.payment_hash) ?? event.payment_id;
      const record = records.payment(toHex(hash));
      if (record === null || record.outcome !== null) return;
      end(record, failed(finalFailure(record, event, context.nowMs())));
    },
    isOpen: (paymentHash) => records.payment(paymentHash)?.outcome === null,
    stopOverdue() {
      for (const { paymentHash, stopAtMs } of records.openPayments()) {
        if (context.nowMs() < stopAtMs || stopped.has(paymentHash)) continue;
        // No new tries; what is on its way still decides.
        stopped.add(paymentHash);
        context.enter(() => parts.channels.abandon_payment(fromHex(paymentHash)));
        context.wake();
      }
    },
  };
}

/** What a failure tells of the graph: later routes avoid it. */
function learn({ parts, nowMs }: NodeContext, event: ldk.Event_PaymentPathFailed): void {
  const scid = u64Of(event.short_channel_id);
  const seconds = BigInt(Math.floor(nowMs() / 1_000));
  if (scid !== null) {
    parts.scorer.as_ScoreUpdate().payment_path_failed(event.path, scid, seconds);
  }
  const { failure } = event;
  if (!(failure instanceof ldk.PathFailure_OnPath)) return;
  const { network_update: update } = failure;
  if (update instanceof ldk.Option_NetworkUpdateZ_Some) {
    parts.graph.handle_network_update(update.some);
  }
}

/** The last failed try says more than LDK's final reason, unless that names the recipient. */
function finalFailure(
  record: PaymentRecord,
  event: ldk.Event_PaymentFailed,
  nowMs: number,
): WireFailure {
  const reasons = ldk.PaymentFailureReason;
  const reason =
    event.reason instanceof ldk.Option_PaymentFailureReasonZ_Some ? event.reason.some : null;
  const last = record.lastFailure;
  const name = reason === null ? 'no reason' : enumName(reasons, reason);
  const isExpired = record.expiresAtMs !== null && nowMs >= record.expiresAtMs;
  // Where we had given up, LDK names that as the reason, and not what the recipient said.
  const isRejected =
    reason === reasons.LDKPaymentFailureReason_RecipientRejected ||
    last?.code === 'recipient_rejected';
  if (isRejected) {
    const at = last?.at ?? null;
    if (isExpired) {
      const detail = 'the recipient refused it; the invoice has expired on the way';
      return { code: 'invoice_expired', detail, at };
    }
    return { code: 'recipient_rejected', detail: 'the recipient refused the payment', at };
  }
  if (reason === reasons.LDKPaymentFailureReason_UnknownRequiredFeatures) {
    return { code: 'features_unknown', detail: 'the recipient asks for what LDK lacks', at: null };
  }
  if (last !== null) return { ...last, detail: `${last.detail} (${name})` };
  if (isExpired || reason === reasons.LDKPaymentFailureReason_PaymentExpired) {
    return { code: 'invoice_expired', detail: `the invoice has expired (${name})`, at: null };
  }
  return { code: 'route_not_found', detail: `LDK gave up: ${name}`, at: null };
}
