import * as ldk from 'lightningdevkit';
import type { NodeContext } from '../context.ts';
import { someU64 } from '../ldk/bindings.ts';
import type { WireFailure } from '../protocol.ts';

/** So small that a channel which can send anything can send it. */
const PROBE_MSAT = 1_000n;

/**
 * Why no route was found. LDK says the same for everything, so the likely reasons are tried one
 * after the other, from near to far.
 */
export function diagnose(
  context: NodeContext,
  wanted: { payment: ldk.PaymentParameters; amountMsat: bigint; maxFeeMsat: bigint },
): WireFailure {
  const { parts } = context;
  const { payment, amountMsat, maxFeeMsat } = wanted;
  const channels = parts.channels.list_channels();
  const fail = (code: WireFailure['code'], detail: string): WireFailure => ({
    ...{ code, detail, at: null },
  });
  if (channels.length === 0) return fail('no_channels', 'this node has no channels');
  const usable = channels.filter((channel) => channel.get_is_usable());
  const offline = channels.filter((channel) => !channel.get_is_usable());
  const sendableMsat = sum(usable.map((channel) => channel.get_next_outbound_htlc_limit_msat()));
  if (amountMsat > sendableMsat) {
    const withOffline =
      sendableMsat + sum(offline.map((each) => each.get_outbound_capacity_msat()));
    if (usable.length === 0 || (offline.length > 0 && amountMsat <= withOffline)) {
      return fail('own_peers_offline', 'the peers of our own channels are not connected');
    }
    const detail = `our channels can send ${sendableMsat} msat now, not ${amountMsat}`;
    return fail('own_balance_too_low', detail);
  }
  const finds = (amount: bigint, feeLimit: bigint | null): boolean => {
    const route = ldk.RouteParameters.constructor_new(payment, amount, someU64(feeLimit));
    return parts.router
      .find_route(
        ...([parts.channels.get_our_node_id(), route, usable] as const),
        parts.channels.compute_inflight_htlcs(),
      )
      .is_ok();
  };
  if (finds(amountMsat, null)) {
    // With what is left after the fee, our own channels may be the reason.
    return fail('route_too_expensive', `no route costs at most ${maxFeeMsat} msat`);
  }
  if (amountMsat > PROBE_MSAT && finds(PROBE_MSAT, null)) {
    return fail('route_too_small', 'no way to the recipient can carry this amount');
  }
  const detail = 'no way to the recipient is known';
  if (offline.length > 0) {
    return fail('route_not_found', `${detail}; ${offline.length} of our channels are offline`);
  }
  return fail('route_not_found', detail);
}

const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
