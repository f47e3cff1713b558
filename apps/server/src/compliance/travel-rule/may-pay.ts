import type { Clock, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { needOf, rulesOf } from './rules.ts';
import { readLastPrice, readSettingsRow, readTransfersOfPayouts } from './store.ts';
import { isSameDestination, type TravelTransfer } from './transfer.ts';

/** What is asked of a payout that is about to be paid. */
export type PayoutToScreen = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly destination: string;
  readonly amountMsat: bigint;
};
export type MayPay = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const MSATS_PER_SAT = 1_000n;

/**
 * Holds payouts of stores that have the Travel Rule on, on chain and over Lightning alike, until what it
 * asks for is there: the other provider's consent, or the proof of a wallet of one's own.
 */
export function travelRuleScreen({ clock }: { clock: Clock }) {
  return async (
    tx: Tx,
    payouts: readonly PayoutToScreen[],
  ): Promise<ReadonlyMap<string, MayPay>> => {
    const answers = new Map<string, MayPay>();
    for (const merchantId of new Set(payouts.map((payout) => payout.merchantId))) {
      const own = payouts.filter((payout) => payout.merchantId === merchantId);
      await screenStore(tx, { merchantId, payouts: own, nowMs: clock.nowMs(), answers });
    }
    return answers;
  };
}

async function screenStore(
  tx: Tx,
  given: {
    merchantId: Uuid;
    payouts: readonly PayoutToScreen[];
    nowMs: number;
    answers: Map<string, MayPay>;
  },
): Promise<void> {
  const { merchantId, payouts, nowMs, answers } = given;
  const stored = await readSettingsRow(tx, merchantId);
  if (stored === undefined || !stored.settings.enabled || payouts.length === 0) return;
  const rules = rulesOf(stored.settings);
  const currencies = [rules.betweenProviders?.currency, rules.ownWalletProof?.currency];
  const prices = new Map<string, { minor: bigint; sats: bigint }>();
  for (const currency of new Set(currencies)) {
    if (currency === undefined) continue;
    const price = await readLastPrice(tx, { merchantId, currency, nowMs });
    if (price !== undefined) prices.set(currency, price);
  }
  const payoutIds = payouts.map(({ id }) => id);
  const transfers = await readTransfersOfPayouts(tx, { merchantId, payoutIds });
  for (const payout of payouts) {
    const transfer = transfers.find(({ payoutId }) => payoutId === payout.id) ?? null;
    const worth = (currency: string): bigint | null => {
      const price = prices.get(currency);
      if (price === undefined) return null;
      const divisor = price.sats * MSATS_PER_SAT;
      return (payout.amountMsat * price.minor + divisor - 1n) / divisor;
    };
    const counterparty = transfer?.counterparty ?? null;
    answers.set(payout.id, answerFor(needOf(rules, { counterparty, worth }), transfer, payout));
  }
}

function answerFor(
  need: ReturnType<typeof needOf>,
  transfer: TravelTransfer | null,
  payout: PayoutToScreen,
): MayPay {
  const isSame = transfer !== null && isSameDestination(transfer.address, payout.destination);
  switch (need) {
    case 'nothing':
      return { ok: true };
    case 'declaration':
      return hold('say who gets it: a provider’s customer or a wallet of one’s own');
    case 'message':
      return isSame && has(transfer, 'approved')
        ? { ok: true }
        : hold(`the other provider has not agreed yet (${transfer?.state ?? 'no exchange'})`);
    case 'proof':
      return isSame && has(transfer, 'proven')
        ? { ok: true }
        : hold('the recipient has not proven control of his wallet');
  }
}

/** What was confirmed had it before: a payout that failed and is tried again needs it no second time. */
function has({ state }: TravelTransfer, needed: TravelTransfer['state']): boolean {
  return state === needed || state === 'confirmed';
}

function hold(reason: string): MayPay {
  return { ok: false, reason: `Travel Rule: ${reason}` };
}
