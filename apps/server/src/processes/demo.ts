import { createServer } from 'node:net';
import { createLifecycle } from '../platform/lifecycle/index.ts';
import { findFreePort } from '../platform/embedded/companion.ts';
import { redactText } from '../platform/log/index.ts';
import { DemoError, InterruptedError } from './demo/errors.ts';
import { type DemoFolder, openFolder } from './demo/folder.ts';
import { BLOCK_EVERY_MS, startMiner } from './demo/miner.ts';
import { type LightningPayer, startLightningPayer } from './demo/lightning.ts';
import { payOnceByLightning } from './demo/once-lightning.ts';
import { payOnce } from './demo/once.ts';
import { type DemoOptions, readOptions } from './demo/options.ts';
import { createReport, type Report } from './demo/report.ts';
import { makeSamples } from './demo/samples.ts';
import { assembleServer, HOST } from './demo/server.ts';
import { type Services, startServices } from './demo/services.ts';
import { addShop, type Shop } from './demo/shop/routes.ts';
import { openStore } from './demo/store.ts';
import { unless, within } from './demo/wait.ts';

/** The chain is a hundred small blocks: the server has read them in a moment. */
const LIVE_DEADLINE_MS = 60_000;
const POLL_MS = 20;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * `quittance demo`: everything on this machine, on regtest, until ctrl-c; with `--once` until one
 * order is paid. Whatever ends it, no process and no temporary folder stays behind.
 * @returns the exit status: 0 when it did what was asked, 130 when it was ended before
 */
export async function runDemo(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const report = createReport(options.json, (line) => process.stdout.write(`${line}\n`));
  const ending = endOnSignals();
  let folder: DemoFolder | undefined;
  try {
    const port = await choosePort(options.port);
    folder = openFolder(options.dataDir);
    const removeOnExit = folder.remove;
    // A second ctrl-c waits for nothing; the services end with us and the folder goes here.
    process.once('exit', removeOnExit);
    await run({ options, report, folder, port, signal: ending.signal });
    return 0;
  } catch (error) {
    if (error instanceof InterruptedError) return 128 + SIGNALS.SIGINT;
    const message = redactText(error instanceof Error ? error.message : String(error));
    console.error(`quittance demo: ${message}`);
    if (folder?.kept === true) console.error(`The server's log is in ${folder.logFile}.`);
    if (process.env['QUITTANCE_DEBUG'] !== undefined) console.error(error);
    if (options.once || options.json) report.result({ ok: false, error: message });
    return 1;
  } finally {
    folder?.remove();
    ending.dispose();
  }
}

type Run = {
  options: DemoOptions;
  report: Report;
  folder: DemoFolder;
  port: number;
  signal: AbortSignal;
};

async function run({ options, report, folder, port, signal }: Run): Promise<void> {
  const startedAt = performance.now();
  const { log } = folder;
  const baseUrl = `http://${HOST}:${port}`;
  report.progress('Starting a database and a Bitcoin node …');
  const lifecycle = createLifecycle({ log });
  let services: Services | undefined;
  let payer: Promise<LightningPayer | undefined> | undefined;
  try {
    services = await startServices(folder.path, {
      // A first start may have to fetch a node: that is worth saying at once.
      info: (message) => (/fetching/.test(message) ? console.error(message) : log.info(message)),
      warn: (message) => log.warn(message),
    });
    signal.throwIfAborted();
    const shop: Shop = {
      store: undefined,
      lightning: undefined,
      chain: services.chain,
      fast: options.fast,
    };
    const database = await assembleServer({
      lifecycle,
      folder: folder.path,
      services,
      baseUrl,
      port,
      log,
      addRoutes: ({ app }) => addShop(app, shop),
    });
    await lifecycle.start();
    await unless(signal, within(LIVE_DEADLINE_MS, 'server', untilLive(baseUrl)));
    const store = await openStore({
      folder: folder.path,
      baseUrl,
      database,
      hotWallet: services.hotWallet,
    });
    shop.store = store;
    if (!options.once && store.isNew) {
      await unless(signal, makeSamples({ baseUrl, store, chain: services.chain }));
    }
    const startedMs = performance.now() - startedAt;
    report.ready({
      baseUrl,
      apiKey: store.apiKey,
      merchantId: store.merchantId,
      node: services.chain.node,
      startedMs,
      mining: options.fast
        ? 'Blocks are mined as soon as there is a payment.'
        : `A block is mined every ${BLOCK_EVERY_MS / 1000} s, or when you ask for one in the shop.`,
      keptIn: folder.kept ? folder.path : undefined,
      staysUp: !options.once,
    });
    const plain = {
      info: (text: string) => log.info(text),
      warn: (text: string) => log.warn(text),
    };
    const world = { folder: folder.path, chain: services.chain, store, log: plain };
    if (options.once) {
      const deps = { baseUrl, store, chain: services.chain, database, report, startedMs };
      if (options.lightning) {
        report.progress('Opening a Lightning channel between the customer and the shop …');
        const opening = startLightningPayer(world);
        payer = opening;
        await unless(
          signal,
          opening.then((with_) => payOnceByLightning({ ...deps, payer: with_ })),
        );
      } else await unless(signal, payOnce({ ...deps, fast: options.fast }));
    } else {
      // The shop is open meanwhile: a channel takes some seconds.
      payer = startLightningPayer(world).then(
        (ready) => {
          shop.lightning = ready;
          report.progress(
            `The shop takes Lightning too (${(ready.readyMs / 1_000).toFixed(1)} s).`,
          );
          return ready;
        },
        (error: unknown) => {
          log.warn({ error }, 'the demo goes on without Lightning');
          return undefined;
        },
      );
      await stayUp(services, options.fast, { log, signal });
      report.progress('Stopping …');
    }
  } catch (error) {
    // Ctrl-c in a terminal ends the services too, and what was under way fails because of that.
    signal.throwIfAborted();
    throw error;
  } finally {
    await (await payer?.catch(() => undefined))?.stop();
    await lifecycle.stop();
    await services?.stop();
  }
}

/** @throws {DemoError} when the node or the database ends by itself */
async function stayUp(
  services: Services,
  fast: boolean,
  { log, signal }: { log: DemoFolder['log']; signal: AbortSignal },
): Promise<void> {
  const miner = startMiner({ chain: services.chain, fast, log });
  try {
    const who = await unless(signal, services.ended);
    signal.throwIfAborted();
    throw new DemoError(`${who} has ended`);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
  } finally {
    await miner.stop();
  }
}

/** @throws {DemoError} when the port is taken, before anything has been started */
async function choosePort(port: number): Promise<number> {
  if (port === 0) return findFreePort();
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? `port ${port} is taken by another program: choose another with --port, or leave it out for any free one`
          : `port ${port} can not be used: ${error.message}`;
      reject(new DemoError(reason, { cause: error }));
    });
    probe.listen(port, HOST, () => probe.close(() => resolve()));
  });
  return port;
}

async function untilLive(baseUrl: string): Promise<void> {
  for (;;) {
    const { ok } = await fetch(`${baseUrl}/readyz`);
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The first signal ends everything in order, the second at once; so does a reader that left. */
function endOnSignals(): { signal: AbortSignal; dispose(): void } {
  const ending = new AbortController();
  const end = (signal: NodeJS.Signals): void => {
    if (ending.signal.aborted) process.exit(128 + (signal in SIGNALS ? SIGNALS.SIGINT : 0));
    ending.abort(new InterruptedError(`ended by ${signal}`));
  };
  const names = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, end);
  const readerLeft = (): void => {
    if (!ending.signal.aborted) ending.abort(new InterruptedError('nobody reads the output'));
  };
  process.stdout.on('error', readerLeft);
  return {
    signal: ending.signal,
    dispose() {
      for (const name of names) process.off(name, end);
    },
  };
}
