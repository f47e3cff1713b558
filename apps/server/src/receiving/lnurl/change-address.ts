import type { CreateLightningAddress, UpdateLightningAddress } from '@quittance/contract';
import {
  type Clock,
  type Ids,
  MAX_SATS,
  type Msats,
  MSATS_PER_SAT,
  type Uuid,
} from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { isReserved, type LightningAddress } from './lightning-address.ts';
import {
  countAddresses,
  insertAddress,
  lockAddress,
  type OwnAddress,
  updateAddress,
} from './store.ts';

/** Names are for ever, so that a store can not take them all. */
const MAX_ADDRESSES = 100;
const DEFAULT_MIN_MSAT = MSATS_PER_SAT;
/** 0.01 BTC: what a phone wallet holds. */
const DEFAULT_MAX_MSAT = 1_000_000n * MSATS_PER_SAT;
const DEFAULT_COMMENT_LENGTH = 140;

/**
 * Takes a name for a store, for ever.
 * @throws {AppError} conflict where it is taken or reserved, invalid_amount, amount_too_large,
 *   invalid_request
 */
export async function createAddress(
  tx: Tx,
  deps: { ids: Ids; clock: Clock; readStoreName(tx: Tx, merchantId: Uuid): Promise<string> },
  input: CreateLightningAddress & { merchantId: Uuid; createdBy: string },
): Promise<LightningAddress> {
  const { merchantId, name } = input;
  const nowMs = deps.clock.nowMs();
  if (isReserved(name)) throw taken(name);
  if ((await countAddresses(tx, merchantId)) >= MAX_ADDRESSES) {
    throw new AppError('conflict', `A store can have ${MAX_ADDRESSES} Lightning addresses.`);
  }
  const address: LightningAddress = {
    merchantId,
    id: deps.ids.next(),
    name,
    description: input.description ?? `Payment to ${await deps.readStoreName(tx, merchantId)}`,
    minMsat: msatOf(input.minSats, '/minSats') ?? DEFAULT_MIN_MSAT,
    maxMsat: msatOf(input.maxSats, '/maxSats') ?? DEFAULT_MAX_MSAT,
    commentLength: input.commentLength ?? DEFAULT_COMMENT_LENGTH,
    enabled: true,
    createdBy: input.createdBy,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  demandOrder(address);
  if (!(await insertAddress(tx, address))) throw taken(name);
  return address;
}

/** @throws {AppError} not_found, invalid_amount, amount_too_large, invalid_request */
export async function changeAddress(
  tx: Tx,
  { own, change, nowMs }: { own: OwnAddress; change: UpdateLightningAddress; nowMs: number },
): Promise<LightningAddress> {
  const before = await lockAddress(tx, own);
  if (before === undefined) throw noSuchAddress();
  const after: LightningAddress = {
    ...before,
    description: change.description ?? before.description,
    minMsat: msatOf(change.minSats, '/minSats') ?? before.minMsat,
    maxMsat: msatOf(change.maxSats, '/maxSats') ?? before.maxMsat,
    commentLength: change.commentLength ?? before.commentLength,
    enabled: change.enabled ?? before.enabled,
    updatedAtMs: nowMs,
  };
  demandOrder(after);
  await updateAddress(tx, after);
  return after;
}

export function noSuchAddress(): AppError {
  return new AppError('not_found', 'There is no such Lightning address.');
}

function demandOrder({ minMsat, maxMsat }: LightningAddress): void {
  if (minMsat <= maxMsat) return;
  throw new AppError('invalid_request', 'minSats must not be more than maxSats.', {
    fields: [{ pointer: '/minSats', detail: 'must not be more than maxSats' }],
  });
}

function msatOf(sats: string | undefined, pointer: string): Msats | null {
  if (sats === undefined) return null;
  const read = BigInt(sats);
  if (read > MAX_SATS) {
    throw new AppError('amount_too_large', 'The amount is more bitcoin than will ever exist.', {
      fields: [{ pointer, detail: 'more bitcoin than will ever exist' }],
    });
  }
  if (read === 0n) {
    throw new AppError('invalid_amount', 'The amount must be more than zero.', {
      fields: [{ pointer, detail: 'must be more than zero' }],
    });
  }
  return read * MSATS_PER_SAT;
}

function taken(name: string): AppError {
  return new AppError('conflict', `The name “${name}” is taken.`, {
    fields: [{ pointer: '/name', detail: 'is taken' }],
  });
}
