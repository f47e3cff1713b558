import { z } from 'zod';

/** The kinds of Lightning nodes that a store can be connected to (ADR 0014). */
export const lightningNodeKinds = ['lnd', 'cln', 'nwc', 'embedded'] as const;
export type LightningNodeKind = (typeof lightningNodeKinds)[number];

/**
 * Why a Lightning payment did not succeed: one list for every backend. Whether it is tried again,
 * and the sentences for the payer and the operator, stand in paying/lightning's table.
 * - expired: the invoice's time is over, or would be before the payment arrives
 * - no_route: the graph has no path to the recipient
 * - insufficient_local_balance: our own channels can not send so much
 * - insufficient_capacity: a channel further on can not forward so much
 * - fee_limit: there is a path, but it costs more than is allowed
 * - peer_offline: our own channel's peer, or the next one, does not answer
 * - recipient_rejected: the payment reached the recipient, who refused it
 * - amount_out_of_range: below or above what invoice, channel or service takes
 * - wrong_network: an invoice of another chain
 * - invalid: it can not be read, its signature is wrong, or it asks for what we do not know
 * - already_paid: this payment hash was paid before, by us or by others with the same node
 * - timeout_unknown: nobody knows yet; it may still arrive
 * - node_unavailable: the own node does not answer, and the payment was not given to it
 * - not_resolved: a Lightning address or LNURL gave no usable invoice
 */
export const lightningFailureClasses = [
  'expired',
  'no_route',
  'insufficient_local_balance',
  'insufficient_capacity',
  'fee_limit',
  'peer_offline',
  'recipient_rejected',
  'amount_out_of_range',
  'wrong_network',
  'invalid',
  'already_paid',
  'timeout_unknown',
  'node_unavailable',
  'not_resolved',
] as const;
export type LightningFailureClass = (typeof lightningFailureClasses)[number];
export const lightningFailureClassSchema = z
  .enum(lightningFailureClasses)
  .meta({ id: 'LightningFailureClass' });
