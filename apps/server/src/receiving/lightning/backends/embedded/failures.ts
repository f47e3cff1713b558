import type { LightningFailureClass } from '@quittance/contract';
import type { FailureCode, WireFailure } from '@quittance/lightning-node/client';
import type { LightningFailure } from '../../lightning-node.ts';

/** The embedded node's codes and our classes (ADR 0014). */
const classes: Readonly<Record<FailureCode, LightningFailureClass>> = {
  invoice_expired: 'expired',
  invoice_malformed: 'invalid',
  invoice_unknown_features: 'invalid',
  wrong_network: 'wrong_network',
  amount_mismatch: 'amount_out_of_range',
  hash_mismatch: 'invalid',
  own_invoice: 'invalid',
  already_paid: 'already_paid',
  no_channels: 'insufficient_local_balance',
  own_peers_offline: 'peer_offline',
  own_balance_too_low: 'insufficient_local_balance',
  route_not_found: 'no_route',
  route_too_expensive: 'fee_limit',
  route_too_small: 'insufficient_capacity',
  channel_failed: 'insufficient_capacity',
  channel_disabled: 'peer_offline',
  next_peer_unknown: 'peer_offline',
  recipient_rejected: 'recipient_rejected',
  features_unknown: 'invalid',
  not_sent: 'no_route',
  too_late: 'node_unavailable',
};

export const failureOf = ({ code, detail, at }: WireFailure): LightningFailure => ({
  failureClass: classes[code],
  ...{ code, detail, at },
});
