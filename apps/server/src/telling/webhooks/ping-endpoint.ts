import { PING_EVENT_TYPE } from '@quittance/contract';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readEndpoint } from './change-endpoint.ts';
import { insertPing, ringDispatcher } from './delivery-store.ts';
import { endRest } from './endpoint-store.ts';

/**
 * Sends a test event to one endpoint, through the same queue as real ones.
 * @returns the delivery, whose log tells how it went
 * @throws {AppError} not_found, conflict (the endpoint is switched off)
 */
export async function pingEndpoint(
  tx: Tx,
  deps: { clock: Clock; ids: Ids },
  ping: { merchantId: Uuid; endpointId: Uuid },
): Promise<{ deliveryId: Uuid; eventId: Uuid }> {
  const { enabled } = await readEndpoint(tx, ping.endpointId);
  if (!enabled) throw new AppError('conflict', 'The endpoint is switched off; switch it on first.');
  const made = { deliveryId: deps.ids.next(), eventId: deps.ids.next() };
  const data = { endpointId: ping.endpointId, message: 'This is a test.' };
  await insertPing(tx, {
    ...ping,
    ...made,
    type: PING_EVENT_TYPE,
    data,
    nowMs: deps.clock.nowMs(),
  });
  await endRest(tx, ping.endpointId);
  await ringDispatcher(tx);
  return made;
}
