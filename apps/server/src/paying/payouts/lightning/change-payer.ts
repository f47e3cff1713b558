import {
  completeLightningStrategy,
  type CreateLightningProcessor,
  defaultLightningProcessor,
  type LightningProcessor,
  type LightningProcessorSettings,
  lightningProcessorSettingsSchema,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import type { PayoutTelling } from '../payout.ts';
import {
  insertLightningPayer,
  type LightningPayer,
  lockLightningPayer,
  writeLightningPayer,
} from './processor-store.ts';

/**
 * Makes the store's Lightning processor. What is not said is careful: nothing is approved by itself.
 * @throws {AppError} conflict when the store has one, invalid_request
 */
export async function createLightningPayer(
  tx: Tx,
  { ids, nowMs }: PayoutTelling,
  { merchantId, input }: { merchantId: Uuid; input: CreateLightningProcessor },
): Promise<LightningPayer> {
  const { kind: _, ...given } = input;
  const payer: LightningPayer = {
    merchantId,
    id: ids.next(),
    settings: mix(defaultLightningProcessor, given),
    dueAtMs: nowMs,
    lastRunAtMs: null,
    lastOutcome: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  if (await insertLightningPayer(tx, payer)) return payer;
  throw new AppError('conflict', 'The store has a Lightning processor already.');
}

/**
 * Changes settings; the next run follows them, one that begins payments now is waited for.
 * @throws {AppError} invalid_request
 */
export async function updateLightningPayer(
  tx: Tx,
  { nowMs }: Pick<PayoutTelling, 'nowMs'>,
  given: { merchantId: Uuid; id: Uuid; change: Record<string, unknown> },
): Promise<{ before: LightningPayer; after: LightningPayer } | undefined> {
  const before = await lockLightningPayer(tx, given);
  if (before === undefined) return undefined;
  const settings = mix(before.settings, given.change);
  await writeLightningPayer(tx, given, { settings, nowMs });
  return { before, after: { ...before, settings, dueAtMs: nowMs, updatedAtMs: nowMs } };
}

function mix(
  settings: LightningProcessorSettings,
  change: Record<string, unknown>,
): LightningProcessorSettings {
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  const read = lightningProcessorSettingsSchema.safeParse({
    ...settings,
    ...completed(Object.fromEntries(named)),
  });
  if (read.success) return read.data;
  throw new AppError('invalid_request', 'These settings do not fit a Lightning processor.', {
    fields: read.error.issues.map(({ path, message }) => ({
      pointer: `/${path.join('/')}`,
      detail: message,
    })),
  });
}

/** Fills in what a strategy leaves out. */
function completed(change: Record<string, unknown>): Record<string, unknown> {
  const { strategy } = change;
  if (typeof strategy !== 'object' || strategy === null || !('kind' in strategy)) return change;
  try {
    // The border has checked its form; here its parts are put together.
    const given = strategy as Parameters<typeof completeLightningStrategy>[0];
    return { ...change, strategy: completeLightningStrategy(given) };
  } catch {
    const detail = 'its parts contradict each other';
    throw new AppError('invalid_request', 'The strategy can not be used.', {
      fields: [{ pointer: '/strategy', detail }],
    });
  }
}

/** A Lightning processor as it is answered. */
export function lightningPayerJson(payer: LightningPayer): LightningProcessor {
  const { id, merchantId, settings, createdAtMs, updatedAtMs, lastRunAtMs, lastOutcome } = payer;
  return {
    ...{ id, merchantId, kind: 'lightning', walletId: null },
    ...settings,
    createdAt: new Date(createdAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
    lastRunAt: lastRunAtMs === null ? null : new Date(lastRunAtMs).toISOString(),
    lastOutcome,
  };
}
