import { existsSync } from 'node:fs';
import type { Config } from '../../platform/config/index.ts';
import { openDatabase, roleUrls } from '../../platform/db/index.ts';
import { readActiveNodes } from '../../receiving/lightning/index.ts';
import { openConfiguredNodes, secretsKeyFileOf } from '../configured.ts';
import { type Finding, ok, reasonOf, warning } from './finding.ts';

/** Each is asked, one after the other; somebody waits for the report. */
const MAX_NODES = 50;

/** Do the stores' Lightning nodes answer, and do their credentials allow no more than is needed? */
export async function checkLightning(config: Config): Promise<Finding[]> {
  const url = config.databaseUrl?.reveal();
  // Before the first start there is nothing to ask; the checks before this one say what is wrong.
  if (url === undefined || !existsSync(secretsKeyFileOf(config))) return [];
  const database = openDatabase(roleUrls(url));
  const nodes = openConfiguredNodes(config, database);
  try {
    const rows = await database
      .asSystem((tx) => readActiveNodes(tx, null, MAX_NODES))
      .catch(() => []);
    const findings: Finding[] = [];
    for (const { merchantId, alias } of rows) {
      const name = `${alias} of the store ${merchantId}`;
      findings.push(await checkNode(name, async () => await nodes.nodeOf(merchantId)));
    }
    return findings;
  } finally {
    await nodes.stop();
    await database.close();
  }
}

type OpenNode = () => ReturnType<ReturnType<typeof openConfiguredNodes>['nodeOf']>;

async function checkNode(name: string, open: OpenNode): Promise<Finding> {
  const check = 'Lightning node';
  try {
    const node = await open();
    if (node === null) return ok(check, `${name} was given up meanwhile`);
    await node.info();
    const excessive = (await node.excessiveRights?.()) ?? [];
    if (excessive.length === 0) return ok(check, `${name} answers`);
    const detail = `${name}: its credentials allow more than is needed (${excessive.join(', ')})`;
    const action =
      'bake a macaroon with the rights that docs/lightning.md names, and connect again';
    return warning(check, detail, action);
  } catch (error) {
    const action = 'see whether it runs, and whether address and credentials are still right';
    return warning(check, `${name} does not answer: ${reasonOf(error)}`, action);
  }
}
