import type { LightningNetwork } from '@quittance/bitcoin';
import type { Msats } from '@quittance/kernel';
import type { AttemptFailure } from './attempt.ts';
import type { InvoiceFacts } from './check-before-sending.ts';
import { type ResolveDeps, type ResolveFailure, resolveDestination } from './resolve/index.ts';

/** An invoice that a destination gave just now. */
export type FreshInvoice = {
  readonly text: string;
  readonly paymentHash: string;
  readonly facts: InvoiceFacts;
};

export type ResolvedInvoice =
  | { readonly ok: true; readonly invoice: FreshInvoice }
  | {
      readonly ok: false;
      readonly failure: AttemptFailure;
      /** False: the same destination will give none later either. */
      readonly retryable: boolean;
    };

/** Gives an invoice for an invoice, a Lightning address or an LNURL. Never throws for the service. */
export type InvoiceResolver = (request: {
  destination: string;
  amountMsat: Msats;
  network: LightningNetwork;
  nowMs: number;
  minRemainingMs: number;
}) => Promise<ResolvedInvoice>;

/** The resolver that asks the world. */
export function invoiceResolver(deps: ResolveDeps): InvoiceResolver {
  return async (request) => {
    const resolved = await resolveDestination(deps, request);
    if (!resolved.ok) {
      const { retryable } = resolved.failure;
      return { ok: false, failure: failureOf(resolved.failure), retryable };
    }
    const { bolt11: text, invoice } = resolved;
    const { network, payee, amountMsat, expiresAtMs, paymentHash } = invoice;
    const facts = { network, payee, amountMsat, expiresAtMs };
    return { ok: true, invoice: { text, paymentHash, facts } };
  };
}

/** That a service gave an invoice without time is the service's fault: the next may be better. */
function failureOf({ failureClass, code, sentence, domain }: ResolveFailure): AttemptFailure {
  const isService = code === 'fresh_invoice_expired';
  return {
    failureClass: isService ? 'not_resolved' : failureClass,
    code: `resolve:${code}`,
    detail: sentence,
    at: domain,
  };
}
