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
 * Opens a store's vault and makes it at its first use.
 * @throws {AppError} internal where the key file is another than the one it was made with
 */
export async function openVault(tx: Tx, deps: VaultDeps, merchantId: Uuid): Promise<Vault> {
  const context = `customers of ${merchantId}`;
  let sealed = await readVault(tx, merchantId);
  if (sealed === undefined) {
    const fresh = deps.random(new Uint8Array(KEY_BYTES));
    const made = deps.sealer.seal(Buffer.from(fresh).toString('base64'), context);
    sealed = await insertVault(tx, { merchantId, sealedKey: made, atMs: deps.clock.nowMs() });
  }
  return vaultOf(openKey(deps.sealer, sealed, context), merchantId, deps.random);
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

function vaultOf(storeKey: Uint8Array, merchantId: Uuid, random: Random): Vault {
  const wrapping = derive(storeKey, 'quittance customer keys');
  const blinding = derive(storeKey, 'quittance blind index');
  const contextOf = (id: Uuid) => `key of customer ${merchantId} ${id}`;
  return {
    newKey(customerId) {
      const key = random(new Uint8Array(KEY_BYTES));
      const sealedKey = sealBytes(wrapping, key, contextOf(customerId));
      return { key: customerKey(key, customerId), sealedKey };
    },
    keyOf({ id, sealedKey }) {
      if (sealedKey === null) throw erased();
      return customerKey(unsealBytes(wrapping, sealedKey, contextOf(id)), id);
    },
    blind(purpose, text) {
      // The length keeps purpose and text from running into one another.
      return createHmac('sha256', blinding).update(`${purpose.length}:${purpose}${text}`).digest();
    },
  };
}

function customerKey(key: Uint8Array, customerId: Uuid): CustomerKey {
  const contextOf = (thing: SealedThing) => `${thing} of customer ${customerId}`;
  const self: CustomerKey = {
    seal: (text, thing) => self.sealFile(Buffer.from(text), thing),
    open: (sealed, thing) => Buffer.from(self.openFile(sealed, thing)).toString('utf8'),
    sealFile: (bytes, thing) => sealBytes(key, bytes, contextOf(thing)),
    openFile: (sealed, thing) => unsealBytes(key, sealed, contextOf(thing)),
  };
  return self;
}

function derive(key: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', info, KEY_BYTES));
}

export function erased(): AppError {
  return new AppError('conflict', 'The customer has been erased.');
}
