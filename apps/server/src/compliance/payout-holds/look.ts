import type { Tx } from '../../platform/db/index.ts';
import type { KnownOfPayouts, PayoutToScreen } from '../../paying/payouts/index.ts';
import { readPayoutCustomers } from '../customers/index.ts';
import {
  type AddressCategory,
  type AddressHit,
  lookUpOwnAddresses,
  type Screener,
} from '../screening/index.ts';
import { readComplianceSettings } from '../settings/index.ts';
import { customerObjection, listObjection, ownObjection } from './describe.ts';
import { judge, type Objection, type PayoutHold, type Verdict } from './hold.ts';
import {
  type Identifier,
  identifierAssets,
  identifiersOf,
  identifiersOfInvoice,
} from './identifiers.ts';
import { readHolds } from './store.ts';

/** What is on lists in this process. */
export type DestinationLists = Pick<Screener, 'lookupAddress'>;

export type Look = {
  readonly verdict: Verdict;
  readonly hold: PayoutHold | undefined;
  /** Whether lists have a say in it. */
  readonly usesLists: boolean;
  /** Whom the invoice names that was fetched for it. */
  readonly fetched: readonly Identifier[];
};

/**
 * What a payout's destination is used for that holds it. Games of chance and exchanges are no reason
 * to keep somebody's money back; what a list only calls "other" neither.
 */
const HOLDING: ReadonlySet<AddressCategory> = new Set([
  ...(['sanctions', 'mixer', 'darknet', 'scam', 'ransomware', 'crime'] as const),
]);

/**
 * Looks at payouts by all that is known now. Changes nothing.
 * @param how.lock whether the customers stay as they are until the transaction ends
 */
export async function lookAtPayouts(
  tx: Tx,
  how: { lists: DestinationLists; nowMs: number; lock: boolean },
  payouts: readonly PayoutToScreen[],
  known: KnownOfPayouts = {},
): Promise<Map<string, Look>> {
  const looks = new Map<string, Look>();
  // In one order everywhere, so that customers are locked in one order.
  for (const merchantId of [...new Set(payouts.map((payout) => payout.merchantId))].sort()) {
    const own = payouts.filter((payout) => payout.merchantId === merchantId);
    const which = { merchantId, payoutIds: own.map(({ id }) => id) };
    const customers = await readPayoutCustomers(tx, { ...which, ...how });
    const holds = new Map((await readHolds(tx, which)).map((hold) => [hold.payoutId, hold]));
    const { payoutScreening } = await readComplianceSettings(tx, merchantId);
    for (const payout of own) {
      const hold = holds.get(payout.id);
      const objections = customers
        .filter(({ payoutId }) => payoutId === payout.id)
        .flatMap((customer) => customer.objections.map((why) => customerObjection(customer, why)));
      const invoice = known.invoices?.get(payout.id);
      const fetched = payoutScreening && invoice !== undefined ? identifiersOfInvoice(invoice) : [];
      if (payoutScreening) {
        const asked = [...identifiersOf(payout.method, payout.destination), ...fetched];
        const noted = (hold?.identifiers ?? []).map(readNoted);
        objections.push(
          ...(await askLists(tx, how.lists, { payout, asked: [...asked, ...noted] })),
        );
      }
      const verdict = judge(objections, hold);
      looks.set(payout.id, { verdict, hold, fetched, usesLists: payoutScreening });
    }
  }
  return looks;
}

/** As it is kept in a hold: the kind before the text. */
export function noteIdentifier({ kind, text }: Identifier): string {
  return `${kind}:${text}`;
}

function readNoted(noted: string): Identifier {
  const [, kind, text = ''] = /^(address|node|domain|account):(.*)$/s.exec(noted) ?? [];
  return { kind: (kind ?? 'address') as Identifier['kind'], text };
}

async function askLists(
  tx: Tx,
  lists: DestinationLists,
  { payout, asked }: { payout: PayoutToScreen; asked: readonly Identifier[] },
): Promise<Objection[]> {
  const { merchantId } = payout;
  const texts = [...new Set(asked.map(({ text }) => text))];
  const own = await lookUpOwnAddresses(tx, { merchantId, addresses: texts });
  const found = new Map<string, Objection>();
  for (const identifier of asked) {
    const verdict = own.get(identifier.text);
    for (const hit of lists.lookupAddress(assetOf(identifier), identifier.text)) {
      if (!holds(hit, verdict?.verdict === 'allow')) continue;
      const objection = listObjection(payout, identifier, hit);
      found.set(objection.key, objection);
    }
    if (verdict?.verdict !== 'block') continue;
    const objection = ownObjection(payout, identifier, verdict);
    found.set(objection.key, objection);
  }
  return [...found.values()];
}

/** A person knows the address to be harmless; sanctions are for no shop to lift. */
function holds({ categories }: AddressHit, isAllowed: boolean): boolean {
  if (categories.includes('sanctions')) return true;
  return !isAllowed && categories.some((category) => HOLDING.has(category));
}

function assetOf({ kind }: Identifier): string {
  return kind === 'address' ? 'XBT' : identifierAssets[kind];
}
