import { assemble, type FlowOptions } from '../flow.ts';
import { ConfigError } from '../platform/config/index.ts';
import { migrate, openDatabase, roleUrls } from '../platform/db/index.ts';
import { createLifecycle } from '../platform/lifecycle/index.ts';
import { ensureAdminKey } from '../tenancy/keys/index.ts';
import { configOf, databaseOf, flowOptionsOf, loggerOf } from './configured.ts';
import { version } from './version.ts';

/** `quittance start`: the server, as the configuration says, until it is told to stop. */
export async function runStart(args: readonly string[]): Promise<number> {
  let config: ReturnType<typeof configOf>;
  try {
    config = configOf(args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`quittance start: ${error.message}`);
    return 1;
  }
  const log = loggerOf(config);
  const lifecycle = createLifecycle({ log });
  const postgres = await databaseOf(config, log);
  lifecycle.use('postgres', () => postgres);
  const { ownerUrl } = postgres;
  const options = flowOptionsOf(config, { ownerUrl, log, version: version() });
  try {
    await migrate(ownerUrl);
    await showFirstKey(ownerUrl, options);
  } catch (error) {
    // An embedded server that goes on would keep this process from ending.
    await postgres.stop();
    throw error;
  }
  assemble(lifecycle, {
    ...options,
    onListening: (port) => log.info({ port, url: options.publicUrl }, 'ready'),
  });
  await lifecycle.run();
  return 0;
}

async function showFirstKey(ownerUrl: string, options: FlowOptions): Promise<void> {
  const database = openDatabase(roleUrls(ownerUrl));
  try {
    const key = await ensureAdminKey(database, options);
    // On standard error and outside the log: it is shown this once and must not be kept there.
    if (key !== null) {
      console.error(`\nThe administrator's API key, shown only now: ${key.secret}\n`);
    }
  } finally {
    await database.close();
  }
}
