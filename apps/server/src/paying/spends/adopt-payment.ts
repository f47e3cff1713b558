import { feeRateOf } from '@quittance/bitcoin';
import type { Ids, Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { followMovements } from '../coins/index.ts';
import {
  type ForgottenPayment,
  type OwnSide,
  readOwnSide,
  replacePlans,
  reserveSpent,
} from './adopt-store.ts';
import type { PayoutOutput, Spend, SpendVersion } from './spend.ts';
import { insertSpend, insertVersion, lockSpend, saveSignature } from './store.ts';

/** A payout that a forgotten transaction pays, and what of the fee its recipient bore. */
export type AdoptedOutput = PayoutOutput & { readonly feeShareSats: Sats };

/** The PSBT is lost with the record; who bumps a spend makes a new one from the coins. */
const NO_PSBT = new Uint8Array(0);
/** Its limit is lost, too. A bump of it may pay as many times its own rate. */
const BUMP_ROOM = 4n;

/**
 * Makes a spend of a transaction that pays payouts which have none. It begins as given out for
 * signing, which it was; the caller's follower then takes in where it is.
 * @returns the spend's id, or null when the transaction is not one of a wallet of ours alone
 */
export async function adoptAsSpend(
  tx: Tx,
  telling: { ids: Pick<Ids, 'next'>; nowMs: number },
  payment: ForgottenPayment,
  outputs: readonly AdoptedOutput[],
): Promise<Uuid | null> {
  const own = await readOwnSide(tx, payment);
  const anchor = own?.inputs[0];
  if (own === null || anchor === undefined) return null;
  const version = versionOf(payment, own, { version: 1, outputs });
  const rate = feeRateOf(version.feeSats, version.vsize);
  const spend: Spend = {
    ...{ merchantId: own.merchantId, walletId: own.walletId, id: telling.ids.next() },
    ...{ kind: 'payouts', origin: 'manual', state: 'planned', anchor, version: 1 },
    ...{ ledgerEpoch: 0, bookedVersion: null, dueAtMs: null, attempts: 0, reason: null },
    ...{ detail: null, height: null, blockHash: null, createdAtMs: telling.nowMs },
    limits: { maxFeeRate: (rate + 1n) * BUMP_ROOM, maxFeeShareBps: null },
  };
  const { nowMs } = telling;
  await insertSpend(tx, { spend, versions: [version], outputs, psbt: NO_PSBT, nowMs });
  await keep(tx, spend, version, { payment, nowMs });
  return spend.id;
}

/**
 * Adds a transaction to the spend whose payouts it pays: a version that was made after the backup,
 * or a later spend of the same payouts.
 * @returns whether it was one of ours
 */
export async function adoptAsVersion(
  tx: Tx,
  { nowMs }: { nowMs: number },
  payment: ForgottenPayment,
  into: { spendId: Uuid; outputs: readonly AdoptedOutput[] },
): Promise<boolean> {
  const own = await readOwnSide(tx, payment);
  const held = await lockSpend(tx, into.spendId);
  const [first] = own?.inputs ?? [];
  if (own === null || held === undefined || first === undefined) return false;
  const { spend, versions, outputs } = held;
  if (outputs.length !== into.outputs.length || spend.walletId !== own.walletId) return false;
  const number = Math.max(...versions.map((each) => each.version)) + 1;
  const version = versionOf(payment, own, { version: number, outputs: into.outputs });
  await insertVersion(tx, spend, { version, psbt: NO_PSBT, nowMs });
  await replacePlans(tx, spend.id, own.inputs.includes(spend.anchor) ? spend.anchor : first);
  await keep(tx, spend, version, { payment, nowMs });
  return true;
}

async function keep(
  tx: Tx,
  spend: Spend,
  { version, inputs }: SpendVersion,
  { payment, nowMs }: { payment: ForgottenPayment; nowMs: number },
): Promise<void> {
  const { raw, txid } = payment;
  await saveSignature(tx, { spendId: spend.id, version, psbt: NO_PSBT, raw });
  await reserveSpent(tx, spend, inputs);
  // Where it was booked as a withdrawal before, that is taken back.
  await followMovements(tx, { nowMs }, [txid]);
}

function versionOf(
  { txid, transaction }: ForgottenPayment,
  own: OwnSide,
  { version, outputs }: { version: number; outputs: readonly AdoptedOutput[] },
): SpendVersion {
  const paidSats = transaction.outputs.reduce((sum, { valueSats }) => sum + valueSats, 0n);
  return {
    ...{ version, state: 'planned', purpose: 'pay', exposed: true, txid, inputs: own.inputs },
    feeSats: own.inputSats - paidSats,
    vsize: transaction.vsize,
    outSats: own.inputSats - (own.change?.valueSats ?? 0n),
    change: own.change,
    feeShares: Object.fromEntries(
      outputs.map(({ payoutId, feeShareSats }) => [payoutId, feeShareSats]),
    ),
    rejectCode: null,
  };
}
