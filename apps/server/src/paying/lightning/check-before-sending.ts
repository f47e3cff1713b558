import type { LightningNetwork } from '@quittance/bitcoin';
import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import {
  type LightningBalances,
  type LightningChannel,
  type LightningInfo,
  OWN_PEERS_OFFLINE,
} from '../../receiving/lightning/index.ts';
import type { AttemptFailure } from './attempt.ts';

/** What was found before anything was sent has codes that begin like this. */
const BEFORE_SENDING = 'before_sending:';
const OWN_PEER = 'own_peer';
const OWN_PEER_AWAY = `${BEFORE_SENDING}${OWN_PEER}`;
/** Codes of failures (`peer_offline`) of a peer of our own, seen before or by the node. */
export const OWN_PEER_CODES: readonly string[] = [OWN_PEER_AWAY, OWN_PEERS_OFFLINE];
/** Codes of payments that our own node could not send, whatever the destination is. */
export const OWN_SIDE_CODES: readonly string[] = [
  OWN_PEER_AWAY,
  `${BEFORE_SENDING}own_channels`,
  `${BEFORE_SENDING}not_synced`,
];

/** What an invoice says of itself; null where a BOLT 12 invoice is the node's own to read. */
export type InvoiceFacts = {
  readonly network: LightningNetwork | null;
  readonly payee: string | null;
  readonly amountMsat: Msats | null;
  readonly expiresAtMs: number;
};

/** What the own node says just before sending. */
export type NodeFacts = {
  readonly info: LightningInfo;
  /** Null where the backend can not tell. */
  readonly channels: readonly LightningChannel[] | null;
  readonly balances: LightningBalances;
};

/**
 * Looks for what makes sending pointless. Nodes answer all of these with one and the same "no route"
 * or pay without looking (an expired invoice), so they are told apart here, before. Pure.
 * @param options.marginMs an attempt is not begun so shortly before the invoice ends
 * @returns null when nothing stands against it
 */
export function checkBeforeSending(
  invoice: InvoiceFacts,
  node: NodeFacts,
  options: { amountMsat: Msats; nowMs: number; marginMs: number },
): AttemptFailure | null {
  const { amountMsat, nowMs, marginMs } = options;
  const { info } = node;
  if (nowMs >= invoice.expiresAtMs - marginMs) {
    return refuse(
      'expired',
      'expired',
      `it ends at ${new Date(invoice.expiresAtMs).toISOString()}`,
    );
  }
  if (invoice.network !== null && invoice.network !== info.network) {
    return refuse(
      'wrong_network',
      'network',
      `for ${invoice.network}; the node is on ${info.network}`,
    );
  }
  if (invoice.amountMsat !== null && invoice.amountMsat !== amountMsat) {
    const detail = `the invoice is for ${invoice.amountMsat} msat, not ${amountMsat}`;
    return refuse('amount_out_of_range', 'other_amount', detail);
  }
  if (invoice.payee !== null && invoice.payee === info.nodeId) {
    return refuse('invalid', 'own_invoice', 'the invoice is of the node that would pay it');
  }
  if (!info.synced) {
    return refuse('node_unavailable', 'not_synced', 'the node is catching up with the chain');
  }
  return checkLiquidity(node, amountMsat);
}

/** Whether the own channels can send so much now. Pure. @returns null when they can */
export function checkLiquidity(
  { channels, balances }: Pick<NodeFacts, 'channels' | 'balances'>,
  amountMsat: Msats,
): AttemptFailure | null {
  const sendable = channels === null ? balances.sendableMsat : sumOf(channels.filter(isActive));
  if (sendable >= amountMsat) return null;
  const missing = `${sendable} of ${amountMsat} msat can be sent`;
  const asleep = channels?.filter((channel) => !isActive(channel)) ?? [];
  const withAsleep = sendable + asleep.reduce((sum, { localMsat }) => sum + localMsat, 0n);
  if (withAsleep >= amountMsat) {
    const detail = `${missing}; peers with enough are offline`;
    return { ...refuse('peer_offline', OWN_PEER, detail), at: asleep[0]?.peerId ?? null };
  }
  return refuse('insufficient_local_balance', 'own_channels', missing);
}

function isActive({ isActive: active }: LightningChannel): boolean {
  return active;
}

function sumOf(channels: readonly LightningChannel[]): Msats {
  return channels.reduce((sum, { sendableMsat }) => sum + sendableMsat, 0n);
}

function refuse(failureClass: LightningFailureClass, code: string, detail: string): AttemptFailure {
  return { failureClass, code: `${BEFORE_SENDING}${code}`, detail, at: null };
}
