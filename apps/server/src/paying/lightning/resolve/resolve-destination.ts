import {
  type DecodedBolt11,
  type LightningDestination,
  type LightningNetwork,
  lightningAddressUrl,
  parseLightningDestination,
} from '@quittance/bitcoin';
import type { Msats } from '@quittance/kernel';
import type { OutboundReader } from '../../../platform/outbound/index.ts';
import { checkInvoice } from './check-invoice.ts';
import { type Failed, failureOf } from './failures.ts';
import {
  callbackUrl,
  type PayRequest,
  readPayRequest,
  readServiceInvoice,
  type SuccessAction,
} from './pay-request.ts';

export type ResolveDeps = {
  readonly reader: OutboundReader;
  /** Hosts, without port, whose Lightning addresses are asked over plain http: for the demo. */
  readonly plainHttpHosts?: readonly string[] | undefined;
};

export type ResolveRequest = {
  /** As it was given: an invoice, a Lightning address or an LNURL. */
  readonly destination: string;
  readonly amountMsat: Msats;
  readonly network: LightningNetwork;
  readonly nowMs: number;
  /** How long the invoice must still be good for; left out, 30 seconds. */
  readonly minRemainingMs?: number | undefined;
  /** Sent along where the service takes one so long (LUD-12). */
  readonly comment?: string | undefined;
  /** For both answers of a service together; left out, 12 seconds. */
  readonly timeoutMs?: number | undefined;
};

export type Resolved = {
  readonly ok: true;
  /** In small letters, ready to be paid. */
  readonly bolt11: string;
  /** Its payee may be anybody: an LNURL names no node, so there is nothing to compare it with. */
  readonly invoice: DecodedBolt11;
  /** What to pay: the invoice's amount, or the one that it leaves open. */
  readonly amountMsat: Msats;
  readonly source: 'invoice' | 'address' | 'lnurl';
  /** What a person is to be shown as the recipient; null for an invoice. */
  readonly domain: string | null;
  readonly description: string | null;
  readonly identifier: string | null;
  readonly comment: 'none' | 'sent' | 'not_taken';
  readonly successAction: SuccessAction | null;
};

/** What a service of a Lightning address or LNURL offers, before it is asked for an invoice. */
type Inspected = { readonly ok: true; readonly request: PayRequest };

/** Each answer has a limit of its own; with both at it, the service is too slow to wait for. */
const TIMEOUT_MS = 12_000;
/** Asking may take most of the time above, and the payment needs some itself. */
const MIN_REMAINING_MS = 30_000;

/**
 * Gives an invoice for a destination: the invoice itself, or a fresh one from the service behind a
 * Lightning address (LUD-16) or LNURL (LUD-01, LUD-06, LUD-17). Each call asks anew. Nothing throws:
 * whatever the service does is an outcome with its reason, and no money has moved.
 */
export async function resolveDestination(
  deps: ResolveDeps,
  request: ResolveRequest,
): Promise<Resolved | Failed> {
  const { amountMsat, network, nowMs, minRemainingMs = MIN_REMAINING_MS } = request;
  const wanted = { amountMsat, network, nowMs, minRemainingMs };
  const parsed = parse(request.destination);
  if (!parsed.ok) return parsed;
  const { destination } = parsed;
  if (destination.kind === 'bolt11') {
    const { invoice } = destination;
    return checkInvoice(invoice, null, wanted) ?? givenInvoice(invoice, amountMsat);
  }
  const signal = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
  const service = await askService(deps, destination, signal);
  if (!service.ok) return service;
  const payRequest = service.request;
  const outside = checkAmount(payRequest, amountMsat);
  if (outside !== null) return outside;
  const comment = fitting(request.comment, payRequest.commentLength);
  const callback = callbackUrl(payRequest, amountMsat, comment);
  if (!callback.ok) return callback;
  const answer = readServiceInvoice(await deps.reader.get(callback.url, signal), payRequest);
  if (!answer.ok) return answer;
  const refused = checkInvoice(answer.invoice, payRequest, wanted);
  if (refused !== null) return refused;
  return {
    ok: true,
    bolt11: answer.invoice.bolt11,
    invoice: answer.invoice,
    amountMsat,
    source: destination.kind === 'address' ? 'address' : 'lnurl',
    domain: payRequest.domain,
    description: payRequest.description,
    identifier: payRequest.identifier,
    comment: comment !== null ? 'sent' : (request.comment ?? '') === '' ? 'none' : 'not_taken',
    successAction: answer.successAction,
  };
}

function parse(
  text: string,
): { readonly ok: true; readonly destination: LightningDestination } | Failed {
  const parsed = parseLightningDestination(text);
  if (parsed.ok) return parsed;
  const isInvoice = /^(lightning:)?ln(bc|tb)/i.test(text.trim());
  return failureOf(isInvoice ? 'unreadable_invoice' : 'not_a_destination', parsed.reason, null);
}

async function askService(
  deps: ResolveDeps,
  destination: LightningDestination,
  signal?: AbortSignal,
): Promise<Inspected | Failed> {
  if (destination.kind !== 'address' && destination.kind !== 'lnurl') {
    const sentence = `there is no service to ask behind this destination (${destination.kind})`;
    return failureOf('not_resolvable', sentence, null);
  }
  const isAddress = destination.kind === 'address';
  const url = isAddress ? addressUrl(deps, destination) : destination.url.replace(/#.*$/s, '');
  const domain = isAddress ? destination.address.domain : hostOf(url);
  return readPayRequest(await deps.reader.get(url, signal), { domain, isAddress });
}

function addressUrl(
  { plainHttpHosts = [] }: ResolveDeps,
  { address }: Extract<LightningDestination, { kind: 'address' }>,
): string {
  const host = address.domain.replace(/:\d+$/, '');
  return lightningAddressUrl(address, plainHttpHosts.includes(host) ? 'http' : 'https');
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}

function checkAmount({ domain, minMsat, maxMsat }: PayRequest, amountMsat: Msats): Failed | null {
  if (amountMsat >= minMsat && amountMsat <= maxMsat) return null;
  const sentence = `${domain} takes ${minMsat} to ${maxMsat} msat, and not ${amountMsat} msat`;
  return failureOf('amount_out_of_range', sentence, domain);
}

/** A comment that is too long is left out rather than cut: half a sentence may mean the opposite. */
function fitting(comment: string | undefined, most: number): string | null {
  if (comment === undefined || comment === '') return null;
  return [...comment].length <= most ? comment : null;
}

function givenInvoice(invoice: DecodedBolt11, amountMsat: Msats): Resolved {
  return {
    ok: true,
    bolt11: invoice.bolt11,
    invoice,
    amountMsat,
    source: 'invoice',
    domain: null,
    description: invoice.description,
    identifier: null,
    comment: 'none',
    successAction: null,
  };
}
