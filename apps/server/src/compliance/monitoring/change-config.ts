import type { MonitoringSettings } from '@quittance/contract';
import type { Ids, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  type ConfigVersion,
  findConfig,
  insertConfig,
  lockConfigs,
  retireActiveConfig,
  updateConfig,
} from './config-store.ts';

export type SamePersonAs = (
  tx: Tx,
  by: string,
  others: Iterable<string>,
) => Promise<ReadonlySet<string>>;

/** Proposes settings; nothing changes until another person approves them. @throws invalid_request */
export async function proposeConfig(
  tx: Tx,
  { ids }: { ids: Ids },
  given: {
    merchantId: Uuid;
    settings: MonitoringSettings;
    reason: string;
    by: string;
    nowMs: number;
  },
): Promise<ConfigVersion> {
  const { merchantId, settings, reason, by, nowMs } = given;
  const { minHops, maxHops } = settings.rules.cycle;
  if (minHops > maxHops) {
    const detail = 'must not be less than minHops';
    throw new AppError('invalid_request', `/settings/rules/cycle/maxHops: ${detail}.`, {
      fields: [{ pointer: '/settings/rules/cycle/maxHops', detail }],
    });
  }
  const last = await lockConfigs(tx, merchantId);
  const version: ConfigVersion = {
    ...{ merchantId, id: ids.next(), version: last + 1, state: 'proposed', settings, reason },
    ...{ proposedBy: by, proposedAtMs: nowMs, decidedBy: null, decidedAtMs: null },
  };
  await insertConfig(tx, version);
  return version;
}

/**
 * Puts proposed settings into force, or rejects them. Approving needs another person than the one who
 * proposed: keys of one line are one person. Who proposed may take it back.
 * @throws {AppError} not_found, conflict, forbidden
 */
export async function decideConfig(
  tx: Tx,
  { samePersonAs }: { samePersonAs: SamePersonAs },
  given: { merchantId: Uuid; id: Uuid; approve: boolean; by: string; nowMs: number },
): Promise<ConfigVersion> {
  const { merchantId, id, approve, by, nowMs } = given;
  await lockConfigs(tx, merchantId);
  const version = await findConfig(tx, { merchantId, id });
  if (version === undefined) throw noSuchConfig();
  if (version.state !== 'proposed') {
    throw new AppError(
      'conflict',
      `These settings are ${version.state}; nothing is to be decided.`,
    );
  }
  if (approve) {
    const same = await samePersonAs(tx, by, [version.proposedBy]);
    if (same.has(version.proposedBy)) {
      const detail = 'Another person than the one who proposed them has to approve settings.';
      throw new AppError('forbidden', detail);
    }
    await retireActiveConfig(tx, merchantId);
  }
  const decided: ConfigVersion = {
    ...version,
    state: approve ? 'active' : 'rejected',
    decidedBy: by,
    decidedAtMs: nowMs,
  };
  await updateConfig(tx, decided);
  return decided;
}

export function noSuchConfig(): AppError {
  return new AppError('not_found', 'There are no such settings of monitoring.');
}
