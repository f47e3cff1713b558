import type { OrderView } from '@quittance/contract';
import type { PayMethod } from './model.ts';

/**
 * A link that may stand in an `href` or `src`, or null. The schema refuses other schemes already;
 * this is the second lock, because a `javascript:` link on this page could swap the address.
 */
export function webLink(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}

/** A payment link as an `href`, or null when it is not one. */
export function walletLink(link: string): string | null {
  return /^(bitcoin|lightning):/i.test(link) ? link : null;
}

/** What the code holds and the wallet is opened with, for a way to pay. */
export function payLink(view: Pick<OrderView, 'bip21' | 'lightning'>, method: PayMethod): string {
  if (view.lightning === null || method === 'any') return view.bip21;
  if (method === 'lightning') return `lightning:${view.lightning.bolt11}`;
  return withoutParameter(withoutParameter(view.bip21, 'lightning'), 'lno');
}

/** Leaves a parameter out of a payment link. */
export function withoutParameter(link: string, key: string): string {
  const [base = '', query = ''] = link.split('?', 2);
  const kept = query.split('&').filter((part) => part !== '' && !part.startsWith(`${key}=`));
  return kept.length === 0 ? base : `${base}?${kept.join('&')}`;
}

/** The explorer's page of a transaction, or null when the store has chosen no explorer. */
export function explorerLink(template: string | null, txid: string): string | null {
  const link = webLink(template);
  return link === null ? null : link.replaceAll('{txid}', txid);
}
