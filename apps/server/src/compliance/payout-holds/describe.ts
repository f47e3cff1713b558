import type { PayoutToScreen } from '../../paying/payouts/index.ts';
import type { CustomerObjection, PayoutCustomer } from '../customers/index.ts';
import type { AddressHit, OwnAddress } from '../screening/index.ts';
import type { Objection } from './hold.ts';
import type { Identifier } from './identifiers.ts';

/** How people call what was found. */
const KINDS: Readonly<Record<Identifier['kind'], string>> = {
  address: 'the address',
  node: 'the Lightning node',
  domain: 'the domain',
  account: 'the Lightning address',
};

export function listObjection(
  { id: payoutId }: Pick<PayoutToScreen, 'id'>,
  { kind, text }: Identifier,
  hit: AddressHit,
): Objection {
  const { list, entryId, versionId, categories, label } = hit;
  return {
    key: `list:${list}:${entryId}`,
    releasable: true,
    source: 'screening',
    subject: { type: 'payout', id: payoutId },
    severity: categories.includes('sanctions') ? 'high' : 'medium',
    summary: `A payout waits for ${KINDS[kind]} that ${list} lists as ${categories.join(', ')}.`,
    facts: { payoutId, kind, text, list, entryId, versionId, categories: [...categories], label },
  };
}

export function ownObjection(
  { id: payoutId }: Pick<PayoutToScreen, 'id'>,
  { kind, text }: Identifier,
  { id, reason }: OwnAddress,
): Objection {
  return {
    key: `own:${id}`,
    releasable: true,
    source: 'screening',
    subject: { type: 'payout', id: payoutId },
    severity: 'medium',
    summary: `A payout waits for ${KINDS[kind]} that the store's own list blocks.`,
    facts: { payoutId, kind, text, ownAddressId: id, reason },
  };
}

const ABOUT: Readonly<
  Record<CustomerObjection, Pick<Objection, 'severity' | 'releasable'> & { text: string }>
> = {
  blocked: { severity: 'high', releasable: false, text: 'is blocked' },
  open_hit: { severity: 'high', releasable: false, text: 'has an undecided hit' },
  rejected: { severity: 'medium', releasable: true, text: 'was rejected' },
  expired: { severity: 'low', releasable: true, text: 'is verified no more' },
};

export function customerObjection(
  { payoutId, customerId }: PayoutCustomer,
  why: CustomerObjection,
): Objection {
  const { severity, releasable, text } = ABOUT[why];
  return {
    ...{ key: `customer:${customerId}:${why}`, releasable, severity, source: 'customer' },
    subject: { type: 'customer', id: customerId },
    summary: `A payout waits for a customer who ${text}.`,
    facts: { payoutId, customerId, why },
  };
}
