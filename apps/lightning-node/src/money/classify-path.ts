import { toHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import { describe, formatScid, u64Of } from '../ldk/bindings.ts';
import type { WireFailure } from '../protocol.ts';

/**
 * What a failed try says. LDK gives the place of the failure and, of the onion's error, only what it
 * means for the graph.
 */
export function classifyPathFailure(event: ldk.Event_PaymentPathFailed): WireFailure {
  const scid = u64Of(event.short_channel_id);
  const at = scid === null ? null : formatScid(scid);
  if (event.payment_failed_permanently) {
    return { code: 'recipient_rejected', detail: 'the recipient refused the payment', at };
  }
  const { failure } = event;
  if (failure instanceof ldk.PathFailure_InitialSend) {
    const isOffline = failure.err instanceof ldk.APIError_ChannelUnavailable;
    return {
      code: isOffline ? 'own_peers_offline' : 'not_sent',
      detail: `it did not leave our node: ${describe(failure.err)}`,
      at,
    };
  }
  const update =
    failure instanceof ldk.PathFailure_OnPath &&
    failure.network_update instanceof ldk.Option_NetworkUpdateZ_Some
      ? failure.network_update.some
      : null;
  if (update instanceof ldk.NetworkUpdate_NodeFailure) {
    const node = toHex(update.node_id);
    return { code: 'next_peer_unknown', detail: `node ${node} failed`, at: node };
  }
  if (update instanceof ldk.NetworkUpdate_ChannelFailure && update.is_permanent) {
    const channel = formatScid(update.short_channel_id);
    const detail = `channel ${channel} is not known there, or its peer is not connected`;
    return { code: 'next_peer_unknown', detail, at: channel };
  }
  const where = at === null ? 'a channel on the way' : `channel ${at}`;
  // LDK as the forwarding node says the same of both.
  const detail = `${where} can not forward the amount now, or its other end is away`;
  return { code: 'channel_failed', detail, at };
}
