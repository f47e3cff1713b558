import { assemble } from '../flow.ts';
import { type Config, ConfigError } from '../platform/config/index.ts';
import { migrate } from '../platform/db/index.ts';
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
  const options = flowOptionsOf(config, { ownerUrl: postgres.ownerUrl, log, version: version() });
  const database = assemble(lifecycle, {
    ...options,
    onListening: (port) => log.info({ port, url: options.publicUrl }, 'ready'),
  });
  try {
    await migrate(postgres.ownerUrl);
    const key = await ensureAdminKey(database, options);
    if (key !== null) {
      // On standard error and outside the log: it is shown this once and must not be kept there.
      console.error(`\nThe administrator's API key, shown only now: ${key.secret}\n`);
    }
  } catch (error) {
    // What is open would keep this process from ending.
    await database.close();
    await postgres.stop();
    throw error;
  }
  await lifecycle.run();
}
