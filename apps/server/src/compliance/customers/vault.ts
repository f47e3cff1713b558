import { createHmac, hkdfSync } from 'node:crypto';
import type { Clock, Random, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { sealBytes, type Sealer, UnsealError, unsealBytes } from '../../platform/sealing/index.ts';
import type { Customer } from './customer.ts';
import { insertVault, readVault } from './vault-store.ts';

export type VaultDeps = { sealer: Sealer; random: Random; clock: Clock };

/** What is sealed of a customer; it opens for nothing else, and under no other customer's key. */
export type SealedThing =
  | `profile`
  | `note:${Uuid}`
  | `document:${Uuid}`
  | `hit:${Uuid}`
  | `link:${Uuid}`;

/** One customer's own key: destroyed with the customer, and all that is sealed under it. */
export type CustomerKey = {
  seal(text: string, thing: SealedThing): Uint8Array;
  open(sealed: Uint8Array, thing: SealedThing): string;
  sealFile(bytes: Uint8Array, thing: SealedThing): Uint8Array;
  openFile(sealed: Uint8Array, thing: SealedThing): Uint8Array;
};

/** A store's key: sealed under the server's, and above its customers'. */
export type Vault = {
  newKey(customerId: Uuid): { key: CustomerKey; sealedKey: Uint8Array };
  keyOf(customer: Pick<Customer, 'id' | 'sealedKey'>): CustomerKey;
  /**
   * What something is found by without saying what it is: the same text gives the same digest in this
   * store only, and nobody without the key can try out texts (a blind index).
   */
  blind(purpose: string, text: string): Uint8Array;
};

const KEY_BYTES = 32;

/**
 * Opens a store's vault and makes it with the store's first customer.
 * @throws {AppError} internal where the key file is another than the one it was made with
 */
export async function makeVault(tx: Tx, deps: VaultDeps, merchantId: Uuid): Promise<Vault> {
  const known = await findVault(tx, deps, merchantId);
  if (known !== undefined) return known;
  const fresh = deps.random(new Uint8Array(KEY_BYTES));
  const made = deps.sealer.seal(Buffer.from(fresh).toString('base64'), contextOf(merchantId));
  const atMs = deps.clock.nowMs();
  return vaultOf(deps, merchantId, await insertVault(tx, { merchantId, sealedKey: made, atMs }));
}

/** A store's vault; undefined: it has never had a customer. @throws {AppError} internal */
export async function findVault(
  tx: Tx,
  deps: VaultDeps,
  merchantId: Uuid,
): Promise<Vault | undefined> {
  const sealed = await readVault(tx, merchantId);
  return sealed === undefined ? undefined : vaultOf(deps, merchantId, sealed);
}

/** The same for who looks for a customer of the store. @throws {AppError} not_found, internal */
export async function openVault(tx: Tx, deps: VaultDeps, merchantId: Uuid): Promise<Vault> {
  const vault = await findVault(tx, deps, merchantId);
  if (vault === undefined) throw new AppError('not_found', 'There is no such customer.');
  return vault;
}

function contextOf(merchantId: Uuid): string {
  return `customers of ${merchantId}`;
}

function openKey(sealer: Sealer, sealed: Uint8Array, context: string): Uint8Array {
  try {
    return Buffer.from(sealer.unseal(sealed, context), 'base64');
  } catch (cause) {
    if (!(cause instanceof UnsealError)) throw cause;
    throw new AppError('internal', 'The key that customers are sealed under is another one.', {
      cause,
    });
  }
}

function vaultOf({ sealer, random }: VaultDeps, merchantId: Uuid, sealed: Uint8Array): Vault {
  const storeKey = openKey(sealer, sealed, contextOf(merchantId));
  const wrapping = derive(storeKey, 'quittance customer keys');
  const blinding = derive(storeKey, 'quittance blind index');
  const placeOf = (id: Uuid) => `key of customer ${merchantId} ${id}`;
  return {
    newKey(customerId) {
      const key = random(new Uint8Array(KEY_BYTES));
      const sealedKey = sealBytes(wrapping, key, placeOf(customerId));
      return { key: customerKey(key, customerId), sealedKey };
    },
    keyOf({ id, sealedKey }) {
      if (sealedKey === null) throw erased();
      return customerKey(unsealBytes(wrapping, sealedKey, placeOf(id)), id);
    },
    blind(purpose, text) {
      // The length keeps purpose and text from running into one another.
      return createHmac('sha256', blinding).update(`${purpose.length}:${purpose}${text}`).digest();
    },
  };
}

function customerKey(key: Uint8Array, customerId: Uuid): CustomerKey {
  const placeOf = (thing: SealedThing) => `${thing} of customer ${customerId}`;
  const self: CustomerKey = {
    seal: (text, thing) => self.sealFile(Buffer.from(text), thing),
    open: (sealed, thing) => Buffer.from(self.openFile(sealed, thing)).toString('utf8'),
    sealFile: (bytes, thing) => sealBytes(key, bytes, placeOf(thing)),
    openFile: (sealed, thing) => unsealBytes(key, sealed, placeOf(thing)),
  };
  return self;
}

function derive(key: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', info, KEY_BYTES));
}

export function erased(): AppError {
  return new AppError('conflict', 'The customer has been erased.');
}
