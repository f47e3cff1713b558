import { MSATS_PER_SAT } from '@quittance/kernel';
import type { LightningBalances, LightningChannel } from '../../lightning-node.ts';
import { shortChannelIdOf } from '../remote/exact-json.ts';
import { commitmentFeeSats } from './commitment-fee.ts';
import type { LndRest } from './rest.ts';
import {
  channelBalanceShape,
  channelsShape,
  type LndChannel,
  walletBalanceShape,
} from './shapes.ts';

export async function readChannels(rest: LndRest): Promise<LndChannel[]> {
  return (await rest.get('/v1/channels', channelsShape)).channels;
}

export function channelOf(channel: LndChannel): LightningChannel {
  const sats = (amount: bigint): bigint => amount * MSATS_PER_SAT;
  const ownReserve = channel.local_constraints?.chan_reserve_sat ?? 0n;
  const theirReserve = channel.remote_constraints?.chan_reserve_sat ?? 0n;
  // Who opened the channel pays for a further HTLC in the commitment, and keeps as much again in
  // case that fees rise (BOLT 2, "fee spike buffer").
  const buffer = channel.commit_fee;
  const ours = channel.local_balance + ownFee(channel);
  const sendable = channel.local_balance - ownReserve - (channel.initiator ? buffer : 0n);
  const receivable = channel.remote_balance - theirReserve - (channel.initiator ? 0n : buffer);
  return {
    id: channel.channel_point,
    shortChannelId: shortChannelIdOf(channel.chan_id),
    peerId: channel.remote_pubkey,
    isActive: channel.active,
    isPublic: !channel.private,
    capacityMsat: sats(channel.capacity),
    localMsat: sats(ours),
    remoteMsat: sats(channel.remote_balance),
    sendableMsat: channel.active ? sats(positive(sendable)) : 0n,
    receivableMsat: channel.active ? sats(positive(receivable)) : 0n,
  };
}

/**
 * LND leaves the fee of the commitment transaction out of the balance of who opened the channel. It
 * is ours until the channel is closed, and it moves with every HTLC and fee rate; counted in, what is
 * ours changes by payments alone, so that books can be compared with it.
 */
function ownFee(channel: LndChannel): bigint {
  return channel.initiator ? commitmentFeeSats(channel) : 0n;
}

/** Sums of what the channels say; the balance itself is exact, in millisatoshis. */
export async function readBalances(rest: LndRest): Promise<LightningBalances> {
  const [{ local_balance, unsettled_remote_balance }, wallet, channels] = await Promise.all([
    rest.get('/v1/balance/channels', channelBalanceShape),
    rest.get('/v1/balance/blockchain', walletBalanceShape),
    readChannels(rest),
  ]);
  let channelsMsat = local_balance.msat;
  let forwardedMsat = 0n;
  let sendableMsat = 0n;
  let receivableMsat = 0n;
  for (const channel of channels) {
    channelsMsat += ownFee(channel) * MSATS_PER_SAT;
    for (const htlc of channel.pending_htlcs) {
      // What has a forwarding channel is somebody else's payment that passes through. LND tells
      // it in whole satoshis, so what is left after it is our own to the satoshi.
      const isForwarded = !htlc.incoming && htlc.forwarding_channel !== 0n;
      if (isForwarded) forwardedMsat += htlc.amount * MSATS_PER_SAT;
    }
    const sides = channelOf(channel);
    sendableMsat += sides.sendableMsat;
    receivableMsat += sides.receivableMsat;
  }
  return {
    channelsMsat,
    inFlightMsat: positive(unsettled_remote_balance.msat - forwardedMsat),
    onchainSats: wallet.total_balance,
    sendableMsat,
    receivableMsat,
  };
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n;
}
