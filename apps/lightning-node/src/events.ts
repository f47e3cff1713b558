import * as ldk from 'lightningdevkit';
import type { NodeContext } from './context.ts';
import { describe } from './ldk/bindings.ts';
import type { Channels } from './money/channels.ts';
import type { Invoices } from './money/invoices.ts';
import type { Payments } from './money/payments.ts';

/**
 * What each of LDK's events is for. All that is done here is durable in the same commit in which
 * LDK forgets the event.
 */
export function dispatch(
  event: ldk.Event,
  node: { context: NodeContext; invoices: Invoices; payments: Payments; channels: Channels },
): void {
  const { context, invoices, payments, channels } = node;
  const { parts, log, nowMs } = context;
  if (event instanceof ldk.Event_PendingHTLCsForwardable) {
    setImmediate(() => {
      context.enter(() => parts.channels.process_pending_htlc_forwards());
      context.wake();
    });
  } else if (event instanceof ldk.Event_PaymentClaimable) invoices.onClaimable(event);
  else if (event instanceof ldk.Event_PaymentClaimed) invoices.onClaimed(event);
  else if (event instanceof ldk.Event_PaymentSent) payments.onSent(event);
  else if (event instanceof ldk.Event_PaymentPathFailed) payments.onPathFailed(event);
  else if (event instanceof ldk.Event_PaymentFailed) payments.onFailed(event);
  else if (event instanceof ldk.Event_PaymentPathSuccessful) {
    const seconds = BigInt(Math.floor(nowMs() / 1_000));
    parts.scorer.as_ScoreUpdate().payment_path_successful(event.path, seconds);
  } else if (event instanceof ldk.Event_FundingGenerationReady) channels.onFundingNeeded(event);
  else if (event instanceof ldk.Event_OpenChannelRequest) channels.onOpenRequest(event);
  else if (event instanceof ldk.Event_ChannelPending) channels.onPending(event);
  else if (event instanceof ldk.Event_ChannelClosed) channels.onClosed(event);
  else if (event instanceof ldk.Event_SpendableOutputs) {
    // Static outputs pay our wallet already.
    const tracked = parts.sweeper.track_spendable_outputs(
      ...([event.outputs, event.channel_id, true, ldk.Option_u32Z.constructor_none()] as const),
    );
    if (!tracked.is_ok()) throw new Error('outputs of a closed channel could not be kept');
  } else if (event instanceof ldk.Event_HTLCHandlingFailed) {
    log('debug', `not forwarded: ${describe(event.failed_next_destination)}`);
  }
}
