import type { Ivms101, TravelState } from '@quittance/contract';
import { unreachable, type Uuid } from '@quittance/kernel';

export type TravelTransfer = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly direction: 'out' | 'in';
  readonly counterparty: 'vasp' | 'self_hosted';
  readonly state: TravelState;
  readonly payoutId: Uuid | null;
  readonly amountSats: bigint;
  readonly address: string | null;
  readonly message: Ivms101 | null;
  readonly remoteUrl: string | null;
  readonly callbackToken: string | null;
  readonly requestId: string;
  readonly txid: string | null;
  readonly reason: string | null;
  readonly proof: {
    readonly message: string;
    readonly signature: string;
    readonly atMs: number;
  } | null;
  readonly decidedBy: string | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly version: number;
};

export type TravelEvent =
  | { readonly kind: 'sent' }
  /** It could not be sent, or the answer made no sense: it can be sent again. */
  | { readonly kind: 'not_sent'; readonly reason: string }
  /** Whoever receives it agrees: the other side for ours, a person of ours for theirs. */
  | {
      readonly kind: 'approved';
      readonly address: string;
      readonly remoteUrl: string | null;
      readonly by: string | null;
    }
  | { readonly kind: 'rejected'; readonly reason: string; readonly by: string | null }
  | {
      readonly kind: 'proven';
      readonly message: string;
      readonly signature: string;
      readonly by: string;
    }
  | { readonly kind: 'confirmed'; readonly txid: string }
  | { readonly kind: 'cancelled'; readonly reason: string };

export type TravelRefusal = 'ended' | 'not_now' | 'other_address';

export type TravelChange =
  | { readonly ok: true; readonly next: TravelTransfer }
  | { readonly ok: false; readonly refusal: TravelRefusal };

/** What an event makes of an exchange. Pure. The same answer told twice changes nothing. */
export function changeTransfer(
  before: TravelTransfer,
  event: TravelEvent,
  atMs: number,
): TravelChange {
  const { state, direction, counterparty } = before;
  const at = { ...before, updatedAtMs: atMs, version: before.version + 1 };
  if (isRepeated(before, event)) return { ok: true, next: before };
  if (state === 'confirmed' || state === 'cancelled' || state === 'rejected') return no('ended');
  switch (event.kind) {
    case 'sent':
      return state === 'draft' ? yes({ ...at, state: 'sent', reason: null }) : no('not_now');
    case 'not_sent':
      return state === 'draft' ? yes({ ...at, reason: event.reason }) : no('not_now');
    case 'approved': {
      const expected = direction === 'out' ? ['draft', 'sent'] : ['received'];
      if (!expected.includes(state)) return no('not_now');
      // Ours has its destination already: the payout is approved for that one and no other.
      if (direction === 'out' && !isSameDestination(before.address, event.address)) {
        return no('other_address');
      }
      const { by } = event;
      const address = before.address ?? event.address;
      const remoteUrl = event.remoteUrl ?? before.remoteUrl;
      return yes({ ...at, state: 'approved', address, remoteUrl, decidedBy: by });
    }
    case 'rejected':
      if (state === 'approved' || counterparty === 'self_hosted') return no('not_now');
      return yes({ ...at, state: 'rejected', reason: event.reason, decidedBy: event.by });
    case 'proven': {
      if (state !== 'awaiting_proof') return no('not_now');
      const { message, signature, by } = event;
      return yes({ ...at, state: 'proven', proof: { message, signature, atMs }, decidedBy: by });
    }
    case 'confirmed':
      if (state !== 'approved' && state !== 'proven') return no('not_now');
      return yes({ ...at, state: 'confirmed', txid: event.txid });
    case 'cancelled':
      return yes({ ...at, state: 'cancelled', reason: event.reason });
    default:
      return unreachable(event);
  }
}

/** Invoices, offers and Lightning addresses mean the same in capitals (BOLT 11, LUD-16). */
export function isSameDestination(ours: string | null, theirs: string): boolean {
  if (ours === null || ours === theirs) return ours !== null;
  if (!/^ln/i.test(ours) && !ours.includes('@')) return false;
  return ours.toLowerCase() === theirs.replace(/^lightning:/i, '').toLowerCase();
}

function isRepeated(before: TravelTransfer, event: TravelEvent): boolean {
  switch (event.kind) {
    case 'approved':
      return before.state === 'approved' && isSameDestination(before.address, event.address);
    case 'rejected':
      return before.state === 'rejected' && before.reason === event.reason;
    case 'confirmed':
      return before.state === 'confirmed' && before.txid === event.txid;
    case 'cancelled':
      return before.state === 'cancelled' && before.reason === event.reason;
    default:
      return false;
  }
}

/** What the owner of a self-hosted wallet signs: of this exchange and of no other. */
export function proofMessage({ id }: Pick<TravelTransfer, 'id'>): string {
  return `I control this address. Travel Rule proof ${id}.`;
}

function yes(next: TravelTransfer): TravelChange {
  return { ok: true, next };
}

function no(refusal: TravelRefusal): TravelChange {
  return { ok: false, refusal };
}
