import type { LightningNodeDetail, LightningNodeJson } from '@quittance/contract';
import type {
  LightningBalances,
  LightningCapabilities,
  LightningChannel,
  LightningInfo,
} from './lightning-node.ts';
import type { NodeRow } from './node-store.ts';

/** What a node has just shown of itself; null where it could not be read. */
export type ReadNow = {
  info: LightningInfo;
  channels: readonly LightningChannel[] | null;
  capabilities: LightningCapabilities;
} | null;

/**
 * A connection as its store reads it. A node that can not be read is red, with what was read last and
 * how old it is; never zero.
 */
export function nodeJson(row: NodeRow, nowMs: number): LightningNodeJson {
  const { snapshot, problem } = row;
  const isRead = snapshot !== null && problem === null && row.active;
  return {
    ...{ id: row.id, kind: row.kind, network: row.network, nodeId: row.nodeId },
    ...{ alias: row.alias, url: row.url, active: row.active },
    health: {
      state: isRead ? 'green' : 'red',
      problem: problem?.text ?? (row.active ? null : 'The node was given up.'),
      since: timeOf(problem?.sinceMs ?? row.removedAtMs),
      readAt: timeOf(snapshot?.atMs ?? null),
      ageSeconds:
        snapshot === null ? null : Math.max(0, Math.floor((nowMs - snapshot.atMs) / 1_000)),
    },
    balances: snapshot === null ? null : balancesJson(snapshot.balances),
    createdAt: new Date(row.createdAtMs).toISOString(),
    removedAt: timeOf(row.removedAtMs),
  };
}

export function nodeDetailJson(row: NodeRow, now: ReadNow, nowMs: number): LightningNodeDetail {
  if (now === null) {
    return { ...nodeJson(row, nowMs), capabilities: null, info: null, channels: null };
  }
  const { blockHeight, synced, version, uris } = now.info;
  return {
    ...nodeJson(row, nowMs),
    capabilities: { ...now.capabilities },
    info: { blockHeight, synced, version, uris: [...uris] },
    channels: now.channels === null ? null : now.channels.map(channelJson),
  };
}

function channelJson(channel: LightningChannel) {
  return {
    id: channel.id,
    shortChannelId: channel.shortChannelId,
    peerId: channel.peerId,
    active: channel.isActive,
    public: channel.isPublic,
    capacityMsat: channel.capacityMsat.toString(),
    localMsat: channel.localMsat.toString(),
    remoteMsat: channel.remoteMsat.toString(),
    sendableMsat: channel.sendableMsat.toString(),
    receivableMsat: channel.receivableMsat.toString(),
  };
}

function balancesJson(balances: LightningBalances) {
  return {
    channelsMsat: balances.channelsMsat.toString(),
    inFlightMsat: balances.inFlightMsat.toString(),
    sendableMsat: balances.sendableMsat.toString(),
    receivableMsat: balances.receivableMsat.toString(),
    onchainSats: balances.onchainSats.toString(),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
