import type { Random, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readEndpoint } from './change-endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import { keepNewestSecret, prependSecret } from './endpoint-store.ts';
import { noSuchEndpoint } from './errors.ts';
import { newSecret } from './signing.ts';

/** More would make the signature header grow without a use. */
const MAX_SECRETS = 3;

/**
 * Gives the endpoint a new secret, shown only now. The old ones sign along until
 * removeOldSecrets(), so that the receiver can change over in its own time.
 * @throws {AppError} not_found, conflict (too many secrets at once)
 */
export async function rotateSecret(
  tx: Tx,
  deps: { random: Random },
  id: Uuid,
): Promise<Endpoint & { secret: string }> {
  const { secretCount } = await readEndpoint(tx, id);
  if (secretCount >= MAX_SECRETS) {
    throw new AppError('conflict', 'Remove the old secrets before you make another.');
  }
  const secret = newSecret(deps.random);
  const endpoint = await prependSecret(tx, id, secret);
  if (endpoint === undefined) throw noSuchEndpoint();
  return { ...endpoint, secret };
}

/** From now on only the newest secret signs. @throws {AppError} not_found */
export async function removeOldSecrets(tx: Tx, id: Uuid): Promise<Endpoint> {
  const endpoint = await keepNewestSecret(tx, id);
  if (endpoint === undefined) throw noSuchEndpoint();
  return endpoint;
}
