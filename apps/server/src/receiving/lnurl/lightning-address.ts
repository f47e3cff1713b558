import type { Msats, Uuid } from '@quittance/kernel';

/** A name of a store that wallets can pay (LUD-16). */
export type LightningAddress = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  /** Before the "@"; unique on this server, and the store's for ever. */
  readonly name: string;
  readonly description: string;
  readonly minMsat: Msats;
  readonly maxMsat: Msats;
  /** Characters that a payer may write; 0: none. */
  readonly commentLength: number;
  readonly enabled: boolean;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** What a wallet reads about an address (LUD-06, LUD-12, LUD-16). */
export type PayRequest = {
  tag: 'payRequest';
  callback: string;
  minSendable: number;
  maxSendable: number;
  metadata: string;
  commentAllowed?: number;
};

/** The largest amount that a reader with doubles still reads exactly: some 90,000 BTC. */
const MAX_JSON_MSAT = 9_007_199_254_740_000n;

/** Names that people take for the operator or for a machine's, whoever has them. */
const RESERVED = new Set([
  ...[
    'abuse',
    'admin',
    'administrator',
    'api',
    'billing',
    'contact',
    'donate',
    'help',
    'hostmaster',
  ],
  ...['info', 'invoice', 'lightning', 'lnurl', 'mail', 'mailer-daemon', 'news', 'no-reply'],
  ...['noreply', 'nobody', 'office', 'operator', 'owner', 'payment', 'payments', 'postmaster'],
  ...['quittance', 'refund', 'refunds', 'root', 'sales', 'security', 'shop', 'staff', 'store'],
  ...['support', 'sysadmin', 'system', 'team', 'test', 'webmaster', 'www'],
]);

export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/**
 * What an invoice for the address commits to (LUD-06): the very text is hashed, so that it is made
 * here and nowhere else.
 * @param host of this server, with the port where it has one
 */
export function metadataOf({ name, description }: LightningAddress, host: string): string {
  return JSON.stringify([
    ['text/plain', description],
    ['text/identifier', `${name}@${host}`],
  ]);
}

export function payRequest(
  address: LightningAddress,
  { publicUrl }: { publicUrl: string },
): PayRequest {
  const { name, minMsat, maxMsat, commentLength } = address;
  return {
    tag: 'payRequest',
    callback: `${publicUrl}/lnurl/pay/${name}`,
    minSendable: jsonMsat(minMsat),
    maxSendable: jsonMsat(maxMsat),
    metadata: metadataOf(address, hostOf(publicUrl)),
    ...(commentLength === 0 ? {} : { commentAllowed: commentLength }),
  };
}

export type PayWish = { amountMsat: Msats; comment: string | null };

const AMOUNT = /^[1-9][0-9]{0,15}$/;
/** Neither can be shown, and PostgreSQL stores neither NUL nor half a surrogate pair. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Reads what a payer's wallet asks for (LUD-06, the callback). */
export function readPayWish(
  address: Pick<LightningAddress, 'minMsat' | 'maxMsat' | 'commentLength'>,
  { amount, comment }: { amount: string | undefined; comment: string | undefined },
): { ok: true; wish: PayWish } | { ok: false; reason: string } {
  if (amount === undefined || !AMOUNT.test(amount)) {
    return { ok: false, reason: 'The amount must be a number of millisatoshis.' };
  }
  const amountMsat = BigInt(amount);
  if (amountMsat < address.minMsat) return { ok: false, reason: 'The amount is too small.' };
  if (amountMsat > address.maxMsat) return { ok: false, reason: 'The amount is too large.' };
  const text = (comment ?? '').toWellFormed().replace(CONTROLS, '').trim();
  if ([...text].length > address.commentLength) {
    return { ok: false, reason: `The comment may have ${address.commentLength} characters.` };
  }
  return { ok: true, wish: { amountMsat, comment: text === '' ? null : text } };
}

export function hostOf(publicUrl: string): string {
  return new URL(publicUrl).host;
}

function jsonMsat(msat: Msats): number {
  return Number(msat > MAX_JSON_MSAT ? MAX_JSON_MSAT : msat);
}
