import { assemble } from '../flow.ts';
import { ConfigError } from '../platform/config/index.ts';
import { migrate } from '../platform/db/index.ts';
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
  await migrate(postgres.ownerUrl);
  const options = flowOptionsOf(config, { ownerUrl: postgres.ownerUrl, log, version: version() });
  const database = assemble(lifecycle, {
    ...options,
    onListening: (port) => log.info({ port, url: options.publicUrl }, 'ready'),
  });
  const key = await ensureAdminKey(database, options);
  if (key !== null) {
    // On standard error and outside the log: it is shown this once and must not be kept there.
    console.error(`\nThe administrator's API key, shown only now: ${key.secret}\n`);
  }
  await lifecycle.run();
  return 0;
}
