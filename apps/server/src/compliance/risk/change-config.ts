import type { RiskConfig } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { samePersonAs } from '../../tenancy/keys/index.ts';
import { type ConfigWish, stepConfig } from './config-machine.ts';
import {
  type ConfigVersion,
  insertConfig,
  lockConfigs,
  readConfig,
  readConfigs,
  readLastBacktests,
  saveConfigState,
  writeShippedConfig,
} from './config-store.ts';

/** More are a mistake of a program: each is meant to be read by people. */
const MAX_VERSIONS = 1_000;

/**
 * Writes a new version as a draft. It decides nothing yet.
 * @throws {AppError} conflict when there are too many
 */
export async function createConfig(
  tx: Tx,
  made: { merchantId: Uuid; config: RiskConfig; note: string; by: string; nowMs: number },
): Promise<ConfigVersion> {
  const { merchantId, config, note, by, nowMs } = made;
  await writeShippedConfig(tx, made);
  await lockConfigs(tx, merchantId);
  const [newest] = await readConfigs(tx, merchantId);
  assert(newest !== undefined, 'createConfig: the shipped version is there');
  if (newest.version >= MAX_VERSIONS) {
    throw new AppError('conflict', `A store has at most ${MAX_VERSIONS} versions.`);
  }
  const version: ConfigVersion = {
    ...{ merchantId, version: newest.version + 1, state: 'draft', config, note },
    ...{ createdAtMs: nowMs, createdBy: by, shadowedAtMs: null, shadowedBy: null },
    ...{ activatedAtMs: null, activatedBy: null, retiredAtMs: null },
  };
  await insertConfig(tx, version);
  return version;
}

/**
 * Takes a version where somebody wants it. Whatever was there before, active or in shadow, is retired:
 * one of each decides at a time.
 * @throws {AppError} not_found, conflict
 */
export async function changeConfig(
  tx: Tx,
  asked: { merchantId: Uuid; version: number; wish: ConfigWish; by: string; nowMs: number },
): Promise<ConfigVersion> {
  const { merchantId, version, wish, by, nowMs } = asked;
  await lockConfigs(tx, merchantId);
  const before = await existingConfig(tx, asked);
  const backtests = await readLastBacktests(tx, { merchantId, versions: [version] });
  const same = await samePersonAs(tx, by, [before.createdBy]);
  const facts = { hasBacktest: backtests.has(version), samePerson: same.has(before.createdBy) };
  const step = stepConfig(before.state, wish, facts);
  if (!step.ok) throw new AppError('conflict', step.reason);
  const { state } = step;
  if (state === 'active' || state === 'shadow') {
    for (const each of await readConfigs(tx, merchantId)) {
      if (each.state !== state) continue;
      await saveConfigState(tx, { ...each, state: 'retired', retiredAtMs: nowMs });
    }
  }
  const after: ConfigVersion = {
    ...{ ...before, state },
    ...(state === 'shadow' ? { shadowedAtMs: nowMs, shadowedBy: by } : {}),
    ...(state === 'active' ? { activatedAtMs: nowMs, activatedBy: by } : {}),
    ...(state === 'retired' ? { retiredAtMs: nowMs } : {}),
  };
  await saveConfigState(tx, after);
  return after;
}

/** @throws {AppError} not_found */
export async function existingConfig(
  tx: Tx,
  own: { merchantId: Uuid; version: number },
): Promise<ConfigVersion> {
  const found = await readConfig(tx, own);
  if (found === undefined) throw new AppError('not_found', 'There is no such version.');
  return found;
}
