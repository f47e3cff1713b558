import { MSATS_PER_SAT } from '@quittance/kernel';
import type { LightningBalances, LightningChannel } from '../../lightning-node.ts';
import type { ClnRpc } from './rpc.ts';
import { channelsShape, type ClnChannel, fundsShape } from './shapes.ts';

/** Channels in other states can neither send nor receive (lightning-listpeerchannels(7)). */
const USABLE = 'CHANNELD_NORMAL';

export async function readChannels(rpc: ClnRpc): Promise<LightningChannel[]> {
  const { channels } = await rpc.call('listpeerchannels', {}, channelsShape);
  return channels.filter(({ state }) => state === USABLE).map(channelOf);
}

function channelOf(channel: ClnChannel): LightningChannel {
  const isActive = channel.peer_connected;
  const capacityMsat = channel.total_msat ?? 0n;
  const { outMsat, inMsat } = inFlight(channel);
  // What is on its way out counts as ours in `to_us_msat` until it has arrived.
  const localMsat = (channel.to_us_msat ?? 0n) - outMsat;
  return {
    id: channel.channel_id ?? channel.short_channel_id ?? '',
    shortChannelId: channel.short_channel_id ?? null,
    peerId: channel.peer_id,
    isActive,
    isPublic: !channel.private,
    capacityMsat,
    localMsat,
    remoteMsat: capacityMsat - localMsat - outMsat - inMsat,
    sendableMsat: isActive ? (channel.spendable_msat ?? 0n) : 0n,
    receivableMsat: isActive ? (channel.receivable_msat ?? 0n) : 0n,
  };
}

function inFlight({ htlcs }: ClnChannel): { outMsat: bigint; inMsat: bigint } {
  let outMsat = 0n;
  let inMsat = 0n;
  for (const { direction, amount_msat } of htlcs) {
    if (direction === 'out') outMsat += amount_msat;
    else inMsat += amount_msat;
  }
  return { outMsat, inMsat };
}

/** In flight counts what the node forwards for others too: the channels do not tell them apart. */
export async function readBalances(rpc: ClnRpc): Promise<LightningBalances> {
  const [{ channels }, { outputs }] = await Promise.all([
    rpc.call('listpeerchannels', {}, channelsShape),
    rpc.call('listfunds', {}, fundsShape),
  ]);
  const sums = { channelsMsat: 0n, inFlightMsat: 0n, sendableMsat: 0n, receivableMsat: 0n };
  for (const channel of channels.filter(({ state }) => state === USABLE)) {
    const sides = channelOf(channel);
    sums.channelsMsat += sides.localMsat;
    sums.inFlightMsat += inFlight(channel).outMsat;
    sums.sendableMsat += sides.sendableMsat;
    sums.receivableMsat += sides.receivableMsat;
  }
  let onchainMsat = 0n;
  for (const { amount_msat, status } of outputs) {
    if (status !== 'spent') onchainMsat += amount_msat;
  }
  return { ...sums, onchainSats: onchainMsat / MSATS_PER_SAT };
}
