import type { Network } from '@quittance/bitcoin';
import {
  type CreateOnchainProcessor,
  defaultPayoutProcessor,
  type PayoutProcessorSettings,
  payoutProcessorSettingsSchema,
  type UpdateOnchainProcessor,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import { walletFor } from '../create-payout.ts';
import { readDestination } from '../destination.ts';
import type { PayoutTelling } from '../payout.ts';
import {
  insertProcessor,
  lockProcessor,
  type OwnProcessor,
  type Processor,
  writeProcessorSettings,
} from './store.ts';

/**
 * Makes the processor of a wallet. What is not said is careful: nothing is approved by itself.
 * @throws {AppError} conflict when the wallet has one, no_wallet, invalid_request
 */
export async function createProcessor(
  tx: Tx,
  { ids, nowMs }: PayoutTelling,
  given: { merchantId: Uuid; network: Network; input: CreateOnchainProcessor },
): Promise<Processor> {
  const { merchantId, network } = given;
  const { kind, walletId: wanted, ...input } = given.input;
  const settings = mix(defaultPayoutProcessor, input, network);
  const processor: Processor = {
    merchantId,
    id: ids.next(),
    kind,
    walletId: await walletFor(tx, { merchantId, walletId: wanted }),
    settings,
    dueAtMs: nowMs,
    lastRunAtMs: null,
    lastOutcome: null,
    failures: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  if (await insertProcessor(tx, processor)) return processor;
  throw new AppError('conflict', 'The wallet has a payout processor already.');
}

/**
 * Changes settings; the next run follows them, one that plans now is waited for.
 * @throws {AppError} not_found, invalid_request
 */
export async function updateProcessor(
  tx: Tx,
  { nowMs }: PayoutTelling,
  given: OwnProcessor & { network: Network; change: UpdateOnchainProcessor },
): Promise<{ before: Processor; after: Processor }> {
  const before = await lockProcessor(tx, given);
  if (before === undefined) throw noSuchProcessor();
  const settings = mix(before.settings, given.change, given.network);
  await writeProcessorSettings(tx, given, { settings, dueAtMs: nowMs, nowMs });
  return { before, after: { ...before, settings, dueAtMs: nowMs, updatedAtMs: nowMs } };
}

/** Puts what is named over the rest; an address that can not be paid has no place in a list. */
function mix(
  settings: PayoutProcessorSettings,
  change: { [Name in keyof PayoutProcessorSettings]?: PayoutProcessorSettings[Name] | undefined },
  network: Network,
): PayoutProcessorSettings {
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  const mixed = payoutProcessorSettingsSchema.parse({ ...settings, ...Object.fromEntries(named) });
  const { allow, deny } = mixed.destinations;
  for (const [list, addresses] of [['allow', allow ?? []] as const, ['deny', deny] as const]) {
    for (const [at, address] of addresses.entries()) {
      const read = readDestination(address, network);
      if (read.ok) continue;
      const pointer = `/destinations/${list}/${at}`;
      throw new AppError('invalid_destination', `An address can not be used: ${read.reason}.`, {
        fields: [{ pointer, detail: read.reason }],
      });
    }
  }
  return mixed;
}

export function noSuchProcessor(): AppError {
  return new AppError('not_found', 'There is no such payout processor.');
}
