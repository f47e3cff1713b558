import { fromHex, toHex } from '@quittance/kernel';
import * as ldk from 'lightningdevkit';
import { displayed } from '../chain/bitcoind.ts';
import type { NodeContext } from '../context.ts';
import { RequestError } from '../errors.ts';
import { describe, errorOf, flag, formatScid, isNull, u64Of } from '../ldk/bindings.ts';
import { fundingName } from '../ldk/callbacks.ts';
import { userConfig } from '../ldk/config.ts';
import type { Params, Results, WireChannel } from '../protocol.ts';
import type { FundingWallet } from './wallet.ts';

/** Two messages each way and a transaction of our own wallet. */
const OPEN_TIMEOUT_MS = 30_000;
const MSATS_PER_SAT = 1_000n;

export interface Channels {
  list(): readonly WireChannel[];
  balances(): Omit<Results['balances'], 'onchainSats'>;
  open(request: Params<'open-channel'>): Promise<Results['open-channel']>;
  close(request: Params<'close-channel'>): void;
  onFundingNeeded(event: ldk.Event_FundingGenerationReady): void;
  onPending(event: ldk.Event_ChannelPending): void;
  onClosed(event: ldk.Event_ChannelClosed): void;
  onOpenRequest(event: ldk.Event_OpenChannelRequest): void;
}

type Opening = { resolve(opened: Results['open-channel']): void; reject(error: Error): void };

export function createChannels(
  context: NodeContext,
  { wallet, isOpen }: { wallet: FundingWallet; isOpen: (paymentHash: string) => boolean },
): Channels {
  const { parts, log } = context;
  const opening = new Map<string, Opening>();
  const list = () => parts.channels.list_channels().map((each) => viewOf(each, onlinePeers(parts)));

  async function fund(event: ldk.Event_FundingGenerationReady): Promise<void> {
    const temporary = event.temporary_channel_id;
    const key = toHex(temporary.get_a());
    try {
      const sats = event.channel_value_satoshis;
      const transaction = await wallet.pay(event.output_script, sats);
      const given = context.enter(() =>
        parts.channels.funding_transaction_generated(
          ...([temporary, event.counterparty_node_id, transaction] as const),
        ),
      );
      if (!given.is_ok()) throw new RequestError('conflict', describe(errorOf(given)));
    } catch (error) {
      opening.get(key)?.reject(error instanceof Error ? error : new Error(String(error)));
      opening.delete(key);
      context.enter(() =>
        parts.channels.force_close_without_broadcasting_txn(
          ...([temporary, event.counterparty_node_id, 'no funding'] as const),
        ),
      );
    }
    context.wake();
  }

  return {
    list: () => context.enter(list),
    balances: () =>
      context.enter(() => balancesOf(parts.monitors, list(), inFlight(parts, isOpen))),
    open(request) {
      const { nodeId, capacitySats, pushMsat, isPublic } = request;
      const config = userConfig({ isPublic });
      const created = context.enter(() =>
        parts.channels.create_channel(
          ...([fromHex(nodeId), capacitySats, pushMsat, 1n, null, config] as const),
        ),
      );
      if (!(created instanceof ldk.Result_ChannelIdAPIErrorZ_OK)) {
        throw new RequestError('conflict', describe(errorOf(created)));
      }
      const key = toHex(created.res.get_a());
      context.wake();
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new RequestError('conflict', 'the peer does not answer')),
          OPEN_TIMEOUT_MS,
        );
        opening.set(key, {
          resolve: (opened) => {
            clearTimeout(timer);
            resolve(opened);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
      });
    },
    close({ channelId, force }) {
      const channel = context
        .enter(() => parts.channels.list_channels())
        .find((each) => toHex(each.get_channel_id().get_a()) === channelId);
      if (channel === undefined) throw new RequestError('not_found', 'there is no such channel');
      const [id, peer] = [channel.get_channel_id(), channel.get_counterparty().get_node_id()];
      const closed = context.enter(() =>
        force
          ? parts.channels.force_close_broadcasting_latest_txn(id, peer, 'asked to')
          : parts.channels.close_channel(id, peer),
      );
      context.wake();
      if (!closed.is_ok()) throw new RequestError('conflict', describe(errorOf(closed)));
    },
    onFundingNeeded: (event) => void fund(event),
    onPending(event) {
      const key = toHex(event.former_temporary_channel_id.get_a());
      const opened = opening.get(key);
      opening.delete(key);
      opened?.resolve({
        channelId: toHex(event.channel_id.get_a()),
        fundingTxid: displayed(event.funding_txo.get_txid()),
      });
    },
    onClosed(event) {
      const key = toHex(event.channel_id.get_a());
      // Both sides agreed, or it never was: nothing to look at.
      const isQuiet =
        event.reason instanceof ldk.ClosureReason_LocallyInitiatedCooperativeClosure ||
        event.reason instanceof ldk.ClosureReason_CounterpartyInitiatedCooperativeClosure ||
        event.reason instanceof ldk.ClosureReason_LegacyCooperativeClosure;
      log(isQuiet ? 'info' : 'warn', `channel ${key} is closed: ${describe(event.reason)}`);
      opening.get(key)?.reject(new RequestError('conflict', describe(event.reason)));
      opening.delete(key);
    },
    onOpenRequest(event) {
      const [channel, peer] = [event.temporary_channel_id, event.counterparty_node_id];
      const accepted = parts.channels.accept_inbound_channel(channel, peer, 0n);
      if (!accepted.is_ok()) log('warn', `a channel was not taken: ${describe(errorOf(accepted))}`);
    },
  };
}

type Parts = NodeContext['parts'];

export const onlinePeers = (parts: Parts): ReadonlySet<string> =>
  new Set(parts.peers.list_peers().map((peer) => toHex(peer.get_counterparty_node_id())));

function viewOf(channel: ldk.ChannelDetails, online: ReadonlySet<string>): WireChannel {
  const peerId = toHex(channel.get_counterparty().get_node_id());
  const scid = u64Of(channel.get_short_channel_id());
  const funding = channel.get_funding_txo();
  const isActive = flag(channel.get_is_usable());
  const sides = sidesOf(channel);
  const sendable = isActive ? channel.get_next_outbound_htlc_limit_msat() : 0n;
  const receivable = isActive ? channel.get_inbound_capacity_msat() : 0n;
  return {
    ...{ id: toHex(channel.get_channel_id().get_a()), peerId, isActive },
    ...{ shortChannelId: scid === null ? null : formatScid(scid) },
    ...{ fundingOutpoint: isNull(funding) ? null : fundingName(funding) },
    ...{ isPeerOnline: online.has(peerId), isPublic: flag(channel.get_is_announced()) },
    ...{ capacityMsat: String(sides.capacity), localMsat: String(sides.local) },
    ...{ remoteMsat: String(sides.remote), pendingMsat: String(sides.pending) },
    ...{ sendableMsat: String(sendable), receivableMsat: String(receivable) },
  };
}

/**
 * What each side owns. LDK tells what each side can send: its own part less the reserve that it has
 * to keep and what is on its way, and never below zero. At least one side is above its reserve, so
 * the other's part is what is left.
 */
function sidesOf(channel: ldk.ChannelDetails) {
  const capacity = channel.get_channel_value_satoshis() * MSATS_PER_SAT;
  const ourReserve = (u64Of(channel.get_unspendable_punishment_reserve()) ?? 0n) * MSATS_PER_SAT;
  const theirReserve =
    channel.get_counterparty().get_unspendable_punishment_reserve() * MSATS_PER_SAT;
  const { sent, arrived, coming, taken } = pendingOf(channel);
  const outbound = channel.get_outbound_capacity_msat();
  const inbound = channel.get_inbound_capacity_msat();
  const pending = sent + coming;
  if (outbound > 0n) {
    const local = outbound + ourReserve + taken;
    return { capacity, local, remote: capacity - local - pending, pending };
  }
  const remote = inbound + theirReserve + arrived;
  return { capacity, local: capacity - remote - pending, remote, pending };
}

/**
 * Payments within a channel, by amount. One whose preimage is known is decided, though both sides
 * still have to sign for it: it is counted to whom it belongs.
 */
function pendingOf(channel: ldk.ChannelDetails) {
  const outbound = channel.get_pending_outbound_htlcs();
  const inbound = channel.get_pending_inbound_htlcs();
  const hasArrived = (htlc: ldk.OutboundHTLCDetails): boolean => {
    const state = htlc.get_state();
    if (!(state instanceof ldk.Option_OutboundHTLCStateDetailsZ_Some)) return false;
    const states = ldk.OutboundHTLCStateDetails;
    const arrived = states.LDKOutboundHTLCStateDetails_AwaitingRemoteRevokeToRemoveSuccess;
    return state.some === arrived;
  };
  const isTaken = (htlc: ldk.InboundHTLCDetails): boolean => {
    const state = htlc.get_state();
    if (!(state instanceof ldk.Option_InboundHTLCStateDetailsZ_Some)) return false;
    const states = ldk.InboundHTLCStateDetails;
    return state.some === states.LDKInboundHTLCStateDetails_AwaitingRemoteRevokeToRemoveFulfill;
  };
  const total = (htlcs: readonly { get_amount_msat(): bigint }[]): bigint =>
    sum(htlcs.map((each) => each.get_amount_msat()));
  const [arrived, taken] = [total(outbound.filter(hasArrived)), total(inbound.filter(isTaken))];
  const [sent, coming] = [total(outbound) - arrived, total(inbound) - taken];
  return { sent, arrived, coming, taken };
}

function inFlight(parts: Parts, isOpen: (paymentHash: string) => boolean): bigint {
  const sent = parts.channels.list_channels().flatMap((each) => each.get_pending_outbound_htlcs());
  const ours = sent.filter((htlc) => isOpen(toHex(htlc.get_payment_hash())));
  return sum(ours.map((htlc) => htlc.get_amount_msat()));
}

function balancesOf(
  monitors: ldk.ChainMonitor,
  channels: readonly WireChannel[],
  inFlightMsat: bigint,
): Omit<Results['balances'], 'onchainSats'> {
  const total = (key: 'localMsat' | 'sendableMsat' | 'receivableMsat') =>
    String(sum(channels.map((each) => BigInt(each[key]))));
  const closing = monitors
    .get_claimable_balances([])
    .map((balance) =>
      balance instanceof ldk.Balance_ClaimableAwaitingConfirmations ||
      balance instanceof ldk.Balance_ContentiousClaimable ||
      balance instanceof ldk.Balance_CounterpartyRevokedOutputClaimable
        ? balance.amount_satoshis
        : 0n,
    );
  return {
    ...{ channelsMsat: total('localMsat'), inFlightMsat: String(inFlightMsat) },
    ...{ sendableMsat: total('sendableMsat'), receivableMsat: total('receivableMsat') },
    closingSats: String(sum(closing)),
  };
}

const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
