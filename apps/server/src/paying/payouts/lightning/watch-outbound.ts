import type { Database } from '../../../platform/db/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../../telling/notifications/index.ts';
import type { NodesOfStores } from '../../lightning/index.ts';
import { readPayersWithThreshold } from './processor-store.ts';

const MSATS_PER_SAT = 1_000n;
/** Stores whose channels one round looks at. */
const LOOKED_AT = 500;

/**
 * Raises an alert where a store's channels can send less than its Lightning processor wants to have.
 * A node that does not answer is told of by who observes nodes.
 */
export async function watchOutbound(
  deps: AlertDeps & { database: Database; nodes: NodesOfStores },
): Promise<void> {
  const read = (tx: Parameters<typeof readPayersWithThreshold>[0]) =>
    readPayersWithThreshold(tx, LOOKED_AT);
  for (const { merchantId, settings } of await deps.database.asSystem(read)) {
    const threshold = BigInt(settings.lowOutboundSats ?? '0');
    const connected = await deps.nodes.connectionOf(merchantId).catch(() => null);
    const balances = await connected?.node.balances().catch(() => null);
    if (balances === null || balances === undefined) continue;
    const sendableSats = balances.sendableMsat / MSATS_PER_SAT;
    const about = { merchantId, kind: 'lightning_outbound_low', subject: merchantId } as const;
    await deps.database.asSystem(async (tx) => {
      if (sendableSats >= threshold) {
        await resolveAlert(tx, deps, about);
        return;
      }
      const facts = { sendableSats: String(sendableSats), thresholdSats: String(threshold) };
      await raiseAlert(tx, deps, { ...about, severity: 'warning', facts });
    });
  }
}
