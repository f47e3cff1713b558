import { decodeOffer, type LightningNetwork } from '@quittance/bitcoin';
import type { Msats } from '@quittance/kernel';
import type { LightningNode } from '../../../receiving/lightning/index.ts';
import {
  type Attempt,
  type AttemptFailure,
  type AttemptInvoice,
  checkBeforeSending,
  classOfError,
  type FreshInvoice,
  type NodeFacts,
} from '../../lightning/index.ts';
import { LightningNodeError, OfferRefusal } from '../../../receiving/lightning/index.ts';
import type { LightningPayout } from '../payout.ts';
import type { LightningPayoutDeps } from './deps.ts';

/** All that has to be known before a payment may be committed. Nothing has been sent. */
export type Prepared =
  | {
      readonly ok: true;
      readonly node: { readonly id: string; readonly key: string; readonly api: LightningNode };
      readonly invoice: AttemptInvoice;
      readonly network: LightningNetwork;
      /**
       * The node is at this hash already, for an earlier attempt of this very payout: it is not sent
       * again, only followed.
       */
      readonly isUnderWay: boolean;
    }
  | {
      readonly ok: false;
      readonly failure: AttemptFailure;
      readonly retryable: boolean;
      readonly node: { readonly id: string; readonly key: string } | null;
      readonly invoice: AttemptInvoice | null;
    };

/** A payment needs some seconds to arrive before its invoice ends. */
const MIN_REMAINING_MS = 10_000;

/**
 * Gets an invoice, asks the own node whether it could pay it and whether it knows its hash. Nothing
 * is written and nothing sent, so whatever fails here has cost nothing (payout-lnurl-fetch-throws).
 */
export async function preparePayment(
  deps: LightningPayoutDeps,
  payout: LightningPayout,
  attempts: readonly Attempt[],
): Promise<Prepared> {
  const connected = await connect(deps, payout);
  if (!connected.ok) return connected;
  const { node, facts } = connected;
  const resolved = await resolve(deps, payout, node.api);
  const about = { node: { id: node.id, key: node.key } };
  if (!resolved.ok) return { ...resolved, ...about, invoice: null };
  const { invoice: fresh, offer } = resolved;
  const { text, paymentHash } = fresh;
  const invoice = { text, offer, paymentHash, expiresAtMs: fresh.facts.expiresAtMs };
  const { amountMsat } = payout;
  const nowMs = deps.clock.nowMs();
  const check = { amountMsat, nowMs, marginMs: MIN_REMAINING_MS };
  const failure = checkBeforeSending(fresh.facts, facts, check);
  if (failure !== null) return { ok: false, failure, retryable: true, ...about, invoice };
  const asked = await askAboutHash(node.api, paymentHash, attempts);
  if (!asked.ok) return { ...asked, ...about, invoice };
  return { ok: true, node, invoice, network: facts.info.network, isUnderWay: asked.isUnderWay };
}

type Refused = { ok: false; failure: AttemptFailure; retryable: boolean };

async function connect(deps: LightningPayoutDeps, { merchantId }: LightningPayout) {
  try {
    const connected = await deps.nodes.connectionOf(merchantId);
    if (connected === null) {
      return { ...unavailable('no_node', 'the store has no Lightning node'), ...nothing };
    }
    const api = connected.node;
    const [info, balances, channels] = await Promise.all([
      api.info(),
      api.balances(),
      api.capabilities.channels ? api.channels() : null,
    ]);
    const facts: NodeFacts = { info, balances, channels };
    return { ok: true as const, node: { id: connected.id, key: info.nodeId, api }, facts };
  } catch (error) {
    return { ...refusedBy(error), ...nothing };
  }
}

const nothing = { node: null, invoice: null } as const;

function unavailable(code: string, detail: string): Refused {
  const failure = { failureClass: 'node_unavailable', code, detail, at: null } as const;
  return { ok: false, failure, retryable: true };
}

function refusedBy(error: unknown): Refused {
  if (!(error instanceof LightningNodeError)) throw error;
  const failureClass = classOfError(error.code);
  const failure = { failureClass, code: error.code, detail: error.message, at: null };
  return { ok: false, failure, retryable: true };
}

type Resolved = { ok: true; invoice: FreshInvoice; offer: string | null } | Refused;

async function resolve(
  deps: LightningPayoutDeps,
  payout: LightningPayout,
  node: LightningNode,
): Promise<Resolved> {
  const { destination, destinationKind, amountMsat } = payout;
  if (destinationKind === 'bolt12') return await fetchByOffer(node, destination, amountMsat);
  const nowMs = deps.clock.nowMs();
  const { network } = deps;
  const wanted = { destination, amountMsat, network, nowMs, minRemainingMs: MIN_REMAINING_MS };
  const resolved = await deps.resolve(wanted);
  return resolved.ok ? { ...resolved, offer: null } : resolved;
}

/** BOLT 12: the node itself asks the offer's issuer for an invoice. */
async function fetchByOffer(
  node: LightningNode,
  offer: string,
  amountMsat: Msats,
): Promise<Resolved> {
  const failed = (detail: string, retryable: boolean): Refused => ({
    ok: false,
    failure: { failureClass: 'not_resolved', code: 'offer', detail, at: null },
    retryable,
  });
  if (!node.capabilities.offers || node.fetchInvoice === undefined) {
    return failed('the node can not pay offers (BOLT 12)', false);
  }
  const read = decodeOffer(offer);
  if (!read.ok) return failed(read.reason, false);
  try {
    const fetched = await node.fetchInvoice({ offer, amountMsat });
    if (fetched.amountMsat !== amountMsat) {
      return failed(`the invoice is for ${fetched.amountMsat} msat, not ${amountMsat}`, false);
    }
    const { bolt12Invoice: text, paymentHash, expiresAtMs } = fetched;
    const facts = { network: null, payee: null, amountMsat: fetched.amountMsat, expiresAtMs };
    return { ok: true, invoice: { text, paymentHash, facts }, offer };
  } catch (error) {
    if (!(error instanceof OfferRefusal)) return refusedBy(error);
    const { failureClass, nodeCode, message: detail } = error;
    const failure = { failureClass, code: `offer:${nodeCode}`, detail, at: null };
    return { ok: false, failure, retryable: true };
  }
}

/**
 * Asks the node whether it knows the hash. Nodes refuse to pay one twice at best, and tell an old
 * success as a new one at worst (repaid-bolt11-success).
 */
async function askAboutHash(
  node: LightningNode,
  paymentHash: string,
  attempts: readonly Attempt[],
): Promise<{ ok: true; isUnderWay: boolean } | Refused> {
  try {
    const known = await node.trackPayment(paymentHash);
    if (known.state === 'not_found' || known.state === 'failed') {
      return { ok: true, isUnderWay: false };
    }
    if (known.state === 'unknown') return unavailable('unsure', known.detail);
    const isOurs = attempts.some(
      ({ invoice, sends }) => sends > 0 && invoice?.paymentHash === paymentHash,
    );
    if (isOurs) return { ok: true, isUnderWay: true };
    const detail =
      known.state === 'succeeded'
        ? 'the node has paid this hash before, and not for this payout'
        : 'the node is paying this hash, and not for this payout';
    const failure = { failureClass: 'already_paid', code: known.state, detail, at: null } as const;
    return { ok: false, failure, retryable: false };
  } catch (error) {
    return refusedBy(error);
  }
}
