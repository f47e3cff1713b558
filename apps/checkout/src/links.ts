/**
 * A link that may stand in an `href` or `src`, or null. The schema refuses other schemes already;
 * this is the second lock, because a `javascript:` link on this page could swap the address.
 */
export function webLink(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}

/** The payment link as an `href`, or null when it is not one. */
export function walletLink(bip21: string): string | null {
  return /^bitcoin:/i.test(bip21) ? bip21 : null;
}

/** The explorer's page of a transaction, or null when the store has chosen no explorer. */
export function explorerLink(template: string | null, txid: string): string | null {
  const link = webLink(template);
  return link === null ? null : link.replaceAll('{txid}', txid);
}
