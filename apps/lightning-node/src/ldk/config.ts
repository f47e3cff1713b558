import * as ldk from 'lightningdevkit';

/** One block: on regtest nobody mines against us, and a channel should be there at once. */
const MINIMUM_DEPTH = 1;
/**
 * sat per 1,000 weight units (4 sat/vB), always. Both ends of a channel must agree roughly, and
 * regtest has no market to ask.
 */
export const FEE_RATE = 1_000;
/** LDK's least (BIP-431 relay floor with its rounding): a peer may pay as little as this. */
const FLOOR_FEE_RATE = 253;

/**
 * How channels are opened and accepted. Getters of the bindings return copies, so each part is set
 * back after it was changed.
 * @param options.isPublic whether a channel that we open with this is announced
 */
export function userConfig(options: { isPublic: boolean }): ldk.UserConfig {
  const config = ldk.UserConfig.constructor_default();
  const handshake = config.get_channel_handshake_config();
  handshake.set_minimum_depth(MINIMUM_DEPTH);
  handshake.set_announce_for_forwarding(options.isPublic);
  // The version in use has a bug with anchors that is fixed in later ones only.
  handshake.set_negotiate_anchors_zero_fee_htlc_tx(false);
  // LDK's default of 10 % would refuse most of what a small test channel should carry.
  handshake.set_max_inbound_htlc_value_in_flight_percent_of_channel(100);
  config.set_channel_handshake_config(handshake);
  const limits = config.get_channel_handshake_limits();
  limits.set_force_announced_channel_preference(false);
  config.set_channel_handshake_limits(limits);
  config.set_accept_forwards_to_priv_channels(true);
  config.set_manually_accept_inbound_channels(true);
  return config;
}

/** The fee rate for what LDK wants to send. */
export function feeRateFor(target: ldk.ConfirmationTarget): number {
  const targets = ldk.ConfirmationTarget;
  if (target === targets.LDKConfirmationTarget_MaximumFeeEstimate) return 10 * FEE_RATE;
  const isLeast =
    target === targets.LDKConfirmationTarget_MinAllowedAnchorChannelRemoteFee ||
    target === targets.LDKConfirmationTarget_MinAllowedNonAnchorChannelRemoteFee;
  return isLeast ? FLOOR_FEE_RATE : FEE_RATE;
}
