import { firstKeyScopes, type Wallet } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { recordAudit } from '../audit/index.ts';
import { createKey, type KeyDeps } from '../keys/index.ts';
import { type CreatedMerchant, type CreateMerchant, toMerchantJson } from './merchant.ts';
import { changeSettings, defaultSettings } from './settings.ts';
import { insertMerchant } from './store.ts';

export type CreateMerchantDeps = KeyDeps & {
  /** The addresses module's; checks the descriptor and derives the first addresses. */
  addWallet: (
    tx: Tx,
    wallet: { merchantId: Uuid; descriptor: string; actor: string },
  ) => Promise<Wallet>;
};

/**
 * Makes a merchant with its first key, which may do everything for that merchant but compliance,
 * and with its wallet when a descriptor is given: all or nothing. In asSystem.
 * @throws {AppError} what addWallet throws for a descriptor that can't be used
 */
export async function createMerchant(
  tx: Tx,
  deps: CreateMerchantDeps,
  input: CreateMerchant & { actor: string },
): Promise<CreatedMerchant> {
  const { actor } = input;
  const id = deps.ids.next();
  const atMs = deps.clock.nowMs();
  const settings = changeSettings(defaultSettings, input.settings ?? {});
  const merchant = await insertMerchant(tx, { id, name: input.name, settings, atMs });
  await recordAudit(tx, {
    merchantId: id,
    id: deps.ids.next(),
    atMs,
    actor,
    action: 'merchant.created',
    subject: id,
    detail: { name: input.name },
  });
  const key = { merchantId: id, name: 'first key', scopes: firstKeyScopes, actor, madeBy: null };
  const apiKey = await createKey(tx, deps, key);
  const wallet =
    input.descriptor === undefined
      ? null
      : await deps.addWallet(tx, { merchantId: id, descriptor: input.descriptor, actor });
  return { merchant: toMerchantJson(merchant), apiKey, wallet };
}
