import type { Msats } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import { type Cause, localCause } from '../remote/local-cause.ts';
import { channelOf, readChannels } from './channels.ts';
import type { LndRest } from './rest.ts';
import { payReqShape, routesShape } from './shapes.ts';

export type Sought = {
  readonly amountMsat: Msats;
  readonly maxFeeMsat: Msats;
  readonly bolt11: string | null;
  readonly recipient: string | null;
};

/** Invoices carry few hints; those of a wallet service are all alike. */
const MAX_HINTS_ASKED = 3;
const MILLION = 1_000_000n;

/**
 * LND says NO_ROUTE (or too little balance) for an offline peer, an empty channel, a fee limit and a
 * missing path alike. Nothing was sent, so there is time to look: our own channels first, then the
 * graph without a fee limit. Undefined when that tells nothing, or the node does not answer.
 */
export async function whyNoRoute(rest: LndRest, sought: Sought): Promise<Cause | undefined> {
  try {
    const local = localCause((await readChannels(rest)).map(channelOf), sought.amountMsat);
    return local ?? (await remoteCause(rest, sought));
  } catch (error) {
    if (error instanceof LightningNodeError) return undefined;
    throw error;
  }
}

async function remoteCause(rest: LndRest, sought: Sought): Promise<Cause | undefined> {
  const cheapest = await cheapestFee(rest, sought);
  if (cheapest === undefined) return undefined;
  if (cheapest > sought.maxFeeMsat) {
    return {
      failureClass: 'fee_limit',
      detail: `the cheapest way costs ${cheapest} msat, allowed are ${sought.maxFeeMsat}`,
      at: null,
    };
  }
  // The graph has an affordable way, and LND did not take it: it remembers that it failed before.
  return {
    failureClass: 'insufficient_capacity',
    detail: 'the ways that there are have failed a short time ago',
    at: null,
  };
}

/** What the graph asks for the way to the recipient, or to where the invoice's hints begin. */
async function cheapestFee(rest: LndRest, sought: Sought): Promise<bigint | undefined> {
  const entries = await waysIn(rest, sought);
  let cheapest: bigint | undefined;
  for (const { node, hintFeeMsat } of entries) {
    const fee = await routeFee(rest, node, sought.amountMsat + hintFeeMsat);
    if (fee === undefined) continue;
    const total = fee + hintFeeMsat;
    if (cheapest === undefined || total < cheapest) cheapest = total;
  }
  return cheapest;
}

async function waysIn(
  rest: LndRest,
  { bolt11, recipient, amountMsat }: Sought,
): Promise<{ node: string; hintFeeMsat: bigint }[]> {
  if (bolt11 === null) return recipient === null ? [] : [{ node: recipient, hintFeeMsat: 0n }];
  const invoice = await rest.get(`/v1/payreq/${encodeURIComponent(bolt11)}`, payReqShape);
  const direct = { node: invoice.destination, hintFeeMsat: 0n };
  const hinted = invoice.route_hints.slice(0, MAX_HINTS_ASKED).flatMap(({ hop_hints }) => {
    const [first] = hop_hints;
    if (first === undefined) return [];
    const hintFeeMsat = hop_hints.reduce(
      (sum, { fee_base_msat, fee_proportional_millionths }) =>
        sum + BigInt(fee_base_msat) + (amountMsat * BigInt(fee_proportional_millionths)) / MILLION,
      0n,
    );
    return [{ node: first.node_id, hintFeeMsat }];
  });
  return [direct, ...hinted];
}

async function routeFee(
  rest: LndRest,
  node: string,
  amountMsat: bigint,
): Promise<bigint | undefined> {
  try {
    const { routes } = await rest.get(
      `/v1/graph/routes/${node}/0?amt_msat=${amountMsat}`,
      routesShape,
    );
    return routes[0]?.total_fees_msat;
  } catch (error) {
    // LND answers with an error when it finds none.
    if (error instanceof LightningNodeError && error.code === 'refused') return undefined;
    throw error;
  }
}
