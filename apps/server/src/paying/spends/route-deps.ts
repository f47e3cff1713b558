import type { FeeRate } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Caller } from '../../platform/http/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import type { SpendDeps } from './deps.ts';
import { noSuchSpend } from './errors.ts';
import type { FeeLimits } from './spend.ts';
import { readSpends, type StoredSpend } from './store.ts';

export type SpendRouteDeps = Pick<
  SpendDeps,
  'database' | 'clock' | 'ids' | 'random' | 'node' | 'fees' | 'listener'
> & {
  recordAudit: typeof recordAudit;
  /** The most that a transaction of this wallet may pay by the store's own rules, in sat/kvB. */
  readMaxFeeRate(tx: Tx, wallet: { merchantId: Uuid; walletId: Uuid }): Promise<FeeRate>;
};

/** What a person who may approve payouts does by hand may cost this much; the signer has a limit. */
export const BY_HAND: FeeLimits = { maxFeeRate: 1_000_000n, maxFeeShareBps: null };

/**
 * What a transaction that pays nobody may cost: a fee is money that leaves, and to pay more of it than
 * the wallet's fee policy has foreseen takes whoever may approve payouts.
 * @throws {AppError} forbidden
 */
export async function limitsOf(
  tx: Tx,
  deps: Pick<SpendRouteDeps, 'readMaxFeeRate'>,
  asked: { caller: Caller; merchantId: Uuid; walletId: Uuid; feeRate: FeeRate },
): Promise<FeeLimits> {
  if (asked.caller.scopes.includes('payouts:approve')) return BY_HAND;
  const maxFeeRate = await deps.readMaxFeeRate(tx, asked);
  if (asked.feeRate <= maxFeeRate) return { ...BY_HAND, maxFeeRate };
  throw new AppError(
    'forbidden',
    `More than the ${maxFeeRate / SATS_PER_KVB} sat/vB of the wallet's fee policy takes a key with the scope payouts:approve.`,
  );
}

/** One sat/vB in sat/kvB. */
const SATS_PER_KVB = 1_000n;

/** Notes who did what to a spend. */
export async function audit(
  tx: Tx,
  deps: SpendRouteDeps,
  entry: { merchantId: Uuid; actor: string; action: string; subject: string },
): Promise<void> {
  await deps.recordAudit(tx, {
    ...entry,
    id: deps.ids.next(),
    detail: {},
    atMs: deps.clock.nowMs(),
  });
}

/** @throws {AppError} not_found */
export async function readOwn(tx: Tx, spendId: Uuid): Promise<StoredSpend> {
  const [stored] = await readSpends(tx, [spendId]);
  if (stored === undefined) throw noSuchSpend();
  return stored;
}
