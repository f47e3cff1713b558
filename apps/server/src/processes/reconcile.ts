import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { reconcileAllStores } from '../accounting/reconciliation/index.ts';
import { createBitcoinRpc } from '../platform/bitcoin-node/index.ts';
import { loadConfig } from '../platform/config/index.ts';
import { openDatabase, roleUrls } from '../platform/db/index.ts';
import { systemRandom } from '../platform/random.ts';
import { compareBalance } from '../receiving/lightning/index.ts';
import { audienceReader } from '../telling/notifications/index.ts';
import { readMerchant } from '../tenancy/merchants/index.ts';
import { databaseOf, loggerOf, mailOf, openConfiguredNodes, rpcTargetOf } from './configured.ts';

/** `quittance reconcile`: compares every store's book with its coins, and with the node's. */
export async function runReconcile(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, node: { type: 'boolean', default: false } },
  });
  const config = loadConfig({ configPath: values.config, env: process.env });
  const postgres = await databaseOf(config, loggerOf(config));
  const database = openDatabase(roleUrls(postgres.ownerUrl));
  const rpc = createBitcoinRpc(rpcTargetOf(config));
  const operatorEmails = mailOf(config)?.operatorEmails;
  const lightning = openConfiguredNodes(config, database);
  try {
    const alerts = {
      clock: systemClock,
      ids: uuidV7Ids(systemClock, systemRandom),
      readAudience: audienceReader({ readMerchant, operatorEmails }),
    };
    const compare = { database, nodes: lightning, clock: systemClock, alerts, sleep };
    const deps = {
      ...alerts,
      compareLightning: (merchantId: Uuid) => compareBalance(compare, merchantId),
      node: values.node ? { network: config.network, node: rpc, sleep } : null,
    };
    const { stores, ok } = await reconcileAllStores(database, deps, (line) => console.log(line));
    console.log(`${stores} stores compared: ${ok ? 'every book equals its coins' : 'NOT all fit'}`);
    return ok ? 0 : 1;
  } finally {
    await lightning.stop();
    await rpc.close();
    await database.close();
    await postgres.stop();
  }
}
