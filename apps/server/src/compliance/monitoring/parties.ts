import { createHash } from 'node:crypto';
import type { CaseSubject } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';

/** Case subjects and columns end here; longer names are replaced by their hash. */
const MAX_NAME = 200;
/** Under this name a shop may say in an order's or a payout's metadata whose it is. */
export const CUSTOMER_REFERENCE = 'customer';

/** What is known of whose a payment is, the surest first. */
export type Owner = {
  readonly customerId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the payment or payout: an address it came from or goes to, or a Lightning address. */
  readonly address: string | null;
  /** What stands for itself where nobody is known: "order:…", "payout:…". */
  readonly otherwise: string;
};

/**
 * Whose a payment is: the customer that the order names, else the shop's own reference for one, else
 * the address, else nobody but the order itself.
 */
export function partyOf({ customerId, metadata, address, otherwise }: Owner): string {
  const reference = metadata[CUSTOMER_REFERENCE];
  if (customerId !== null) return `customer:${customerId}`;
  if (reference !== undefined && reference !== '') return fitting(`reference:${reference}`);
  return address === null ? otherwise : fitting(address);
}

/** The customer that a party is; null: it is none. */
export function customerOf(party: string): Uuid | null {
  // Only partyOf writes this name, with the id that an order has.
  return (/^customer:(.+)$/.exec(party)?.[1] as Uuid | undefined) ?? null;
}

/** Names an address, so that it can not be taken for a customer. */
export function addressName(address: string): string {
  return fitting(`address:${address}`);
}

function fitting(name: string): string {
  if (name.length <= MAX_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex');
  return `${name.slice(0, MAX_NAME - digest.length - 1)}#${digest}`;
}

/** What an alert about a party opens a case of. */
export function subjectOf(party: string): CaseSubject {
  const customer = customerOf(party);
  return customer === null ? { type: 'party', id: party } : { type: 'customer', id: customer };
}
