import type { Msats } from '@quittance/kernel';
import {
  type LightningChannel,
  type LightningFailure,
  OWN_PEERS_OFFLINE,
} from '../../lightning-node.ts';

export type Cause = Pick<LightningFailure, 'failureClass' | 'detail' | 'at'> &
  Partial<Pick<LightningFailure, 'code'>>;

/**
 * Nodes say "no route" for an empty channel and for a peer that is away. Our own channels tell them
 * apart; undefined when they could send the amount. A multi-part payment may use all of them.
 */
export function localCause(
  channels: readonly LightningChannel[],
  amountMsat: Msats,
): Cause | undefined {
  let sendable = 0n;
  let away = 0n;
  let awayPeer: string | null = null;
  for (const channel of channels) {
    if (channel.isActive) {
      sendable += channel.sendableMsat;
    } else {
      away += channel.localMsat;
      awayPeer ??= channel.peerId;
    }
  }
  if (sendable >= amountMsat) return undefined;
  if (sendable + away >= amountMsat) {
    return {
      failureClass: 'peer_offline',
      code: OWN_PEERS_OFFLINE,
      detail: 'enough lies in channels whose peer is offline',
      at: awayPeer,
    };
  }
  return {
    failureClass: 'insufficient_local_balance',
    detail: `our channels can send ${sendable} msat`,
    at: null,
  };
}
