import { assemble, type FlowOptions } from '../wiring/flow.ts';
import { type Config, ConfigError } from '../platform/config/index.ts';
import { migrate, openDatabase, roleUrls } from '../platform/db/index.ts';
import { createLifecycle } from '../platform/lifecycle/index.ts';
import { ensureAdminKey } from '../tenancy/keys/index.ts';
import { configOf, databaseOf, flowOptionsOf, loggerOf } from './configured.ts';
import { explainStartFailure } from './start-failure.ts';
import { version } from './version.ts';

/** `quittance start`: the server, as the configuration says, until it is told to stop. */
export async function runStart(args: readonly string[]): Promise<number> {
  let config: Config;
  try {
    config = configOf(args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`quittance start: ${error.message}`);
    return 1;
  }
  try {
    await start(config);
    return 0;
  } catch (error) {
    tell(error, config);
    return 1;
  }
}

/** One sentence that says what to do; the whole error only when it is a bug of ours. */
function tell(error: unknown, config: Config): void {
  const explained = explainStartFailure(error, config);
  console.error('quittance start:', explained ?? error);
}

async function start(config: Config): Promise<void> {
  const log = loggerOf(config);
  const lifecycle = createLifecycle({ log, onStartFailure: (error) => tell(error, config) });
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
