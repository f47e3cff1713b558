import { parseArgs } from 'node:util';
import pg from 'pg';
import { hold, release } from '../paying/guard/index.ts';
import { loadConfig } from '../platform/config/index.ts';
import { migrate, openDatabase, roleUrls } from '../platform/db/index.ts';
import { deriveChangeFarAhead } from '../receiving/addresses/index.ts';
import { databaseOf, loggerOf } from './configured.ts';

/**
 * Change addresses that are watched after a restore: more transactions than a wallet makes between
 * two backups. The signer allows as many beyond the highest that it knows.
 */
const CHANGE_AFTER_RESTORE = 1_000;
const REASON = 'the database was restored from a backup (runbook backup-restore)';

/** `quittance restored`: what has to happen between a restore and the next start. */
export async function runRestored(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, release: { type: 'boolean', default: false } },
  });
  const config = loadConfig({ configPath: values.config, env: process.env });
  const postgres = await databaseOf(config, loggerOf(config));
  try {
    if (values.release) await letGoOn(postgres.ownerUrl);
    else await prepare(postgres.ownerUrl);
  } finally {
    await postgres.stop();
  }
  return 0;
}

async function letGoOn(ownerUrl: string): Promise<void> {
  const database = openDatabase(roleUrls(ownerUrl));
  try {
    await database.asSystem(release);
    console.log(
      'Payouts go on. The signer that is there now is the one that is known from now on.',
    );
  } finally {
    await database.close();
  }
}

async function prepare(ownerUrl: string): Promise<void> {
  // Also makes the working roles where the server is another one.
  await migrate(ownerUrl);
  await orderEvents(ownerUrl);
  const database = openDatabase(roleUrls(ownerUrl));
  try {
    await database.asSystem((tx) => hold(tx, REASON));
    const wallets = await deriveChangeFarAhead(database, CHANGE_AFTER_RESTORE);
    console.log(`Everything that pays out is held. ${wallets} wallets watch their change further.
Next: start the server, wait until /readyz is 200, run "quittance reconcile --node", compare the
payouts, then "quittance restored --release" (docs/runbooks/backup-restore.md).`);
  } finally {
    await database.close();
  }
}

/** Events are read in the order of transaction numbers, and a dump carries those of another server. */
async function orderEvents(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query("UPDATE event SET transaction = '0' WHERE transaction <> '0'");
  } finally {
    await client.end();
  }
}
