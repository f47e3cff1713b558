import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { heldBecause } from '../guard/index.ts';
import { applyEvent, holdSpend, tellingNow } from './apply-event.ts';
import type { SpendDeps } from './deps.ts';
import { hasEnded } from './draft.ts';
import { hasEndedAlready, noSuchSpend, nothingStuck, payoutsHeld, psbtRefused } from './errors.ts';
import { storeSignatures } from './sign-version.ts';
import type { SpendVersion } from './spend.ts';
import { readVersionBytes, type StoredSpend } from './store.ts';

type OwnSpend = { merchantId: Uuid; spendId: Uuid };
type ExchangeDeps = Pick<SpendDeps, 'ids' | 'clock' | 'listener'>;

/**
 * The PSBT of the version that waits for signatures, with those that it has. From now on somebody
 * else may finish and send it, so the spend counts as out in the world.
 * @throws {AppError} not_found, payouts_held, conflict when nothing waits for a signature
 */
export async function exportPsbt(
  tx: Tx,
  deps: ExchangeDeps,
  own: OwnSpend,
): Promise<{ version: number; psbt: Uint8Array }> {
  const held = await holdOwn(tx, deps, own);
  const reason = await heldBecause(tx, held.spend.walletId);
  if (reason !== null) throw payoutsHeld(reason);
  const { version } = waitingVersion(held);
  const telling = await tellingNow(tx, deps);
  await applyEvent(tx, { listener: deps.listener, telling }, held, { type: 'exported', version });
  const { psbt } = await readVersionBytes(tx, { spendId: own.spendId, version });
  return { version, psbt };
}

/**
 * Takes signatures that were made elsewhere. Those of a multisig wallet may come one after the
 * other; with the last one the transaction is stored, and sent by the worker.
 * @param signed base64, or the bytes of a PSBT file
 * @throws {AppError} not_found, conflict, invalid_psbt
 */
export async function importSignedPsbt(
  tx: Tx,
  deps: ExchangeDeps,
  signed: OwnSpend & { psbt: Uint8Array | string },
): Promise<{ isComplete: boolean; added: number }> {
  const held = await holdOwn(tx, deps, signed);
  const { version } = waitingVersion(held);
  const { spendId } = signed;
  // Whoever has signed it may have sent it as well.
  const telling = await tellingNow(tx, deps);
  await applyEvent(tx, { listener: deps.listener, telling }, held, { type: 'exported', version });
  const outcome = await storeSignatures(tx, deps, {
    ...{ spendId, version, returned: signed.psbt },
  });
  if (outcome.type === 'refused') throw psbtRefused(outcome.reason);
  return { isComplete: outcome.type === 'complete', added: outcome.added };
}

async function holdOwn(
  tx: Tx,
  deps: ExchangeDeps,
  { merchantId, spendId }: OwnSpend,
): Promise<StoredSpend> {
  const held = await holdSpend(tx, deps.listener, spendId);
  if (held === undefined || held.spend.merchantId !== merchantId) throw noSuchSpend();
  if (hasEnded(held.spend.state)) throw hasEndedAlready(held.spend.state);
  return held;
}

/** @throws {AppError} conflict */
function waitingVersion({ versions }: StoredSpend): SpendVersion {
  const waiting = versions.findLast(({ state }) => state === 'planned');
  if (waiting === undefined) throw nothingStuck('No version of this spend waits for a signature.');
  return waiting;
}
