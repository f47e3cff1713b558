import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Clock, systemClock, uuidV7Ids } from '@quittance/kernel';
import type { FlowOptions } from '../wiring/flow.ts';
import type { BitcoinRpcTarget } from '../platform/bitcoin-node/index.ts';
import { type Config, loadConfig, RPC_PORTS } from '../platform/config/index.ts';
import type { Database } from '../platform/db/index.ts';
import { type LightningNodePlace, lightningSocketOf } from '../platform/embedded/lightning-node.ts';
import { keepEmbeddedPostgres } from '../platform/embedded/kept-postgres.ts';
import { createLogger, type Logger } from '../platform/log/index.ts';
import { createMetrics } from '../platform/metrics/index.ts';
import { systemRandom } from '../platform/random.ts';
import { openSealer } from '../platform/sealing/index.ts';
import type { ZmqEndpoints } from '../receiving/chain/index.ts';
import {
  backendsOpener,
  type LightningNodes,
  openNodes,
  systemBackends,
} from '../receiving/lightning/index.ts';
import { fixedSource, publicSources, type RateSource } from '../receiving/rates/index.ts';

/** Reads `--config FILE` of a command and the configuration that it names. */
export function configOf(args: readonly string[]): Config {
  const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' } } });
  return loadConfig({ configPath: values.config, env: process.env });
}

export function loggerOf(config: Config): Logger {
  return createLogger({ level: config.log.level, pretty: config.log.pretty });
}

/**
 * The owner's address of the database: the one that is configured, or an embedded server under the
 * data folder, which is started now.
 */
export async function databaseOf(
  config: Config,
  log: Logger,
): Promise<{ ownerUrl: string; stop(): Promise<void> }> {
  const given = config.databaseUrl;
  if (given !== undefined) return { ownerUrl: given.reveal(), async stop() {} };
  const dataDir = resolve(config.dataDir);
  if (!existsSync(dataDir)) mkdirSync(dataDir, { recursive: true });
  const server = await keepEmbeddedPostgres({
    dataDir: join(dataDir, 'postgres'),
    log: plain(log),
  });
  return { ownerUrl: server.url, stop: () => server.stop() };
}

function plain(log: Logger) {
  return {
    info: (message: string) => log.info(message),
    warn: (message: string) => log.warn(message),
  };
}

/** What the flow needs, out of the configuration and this machine's clock and randomness. */
export function flowOptionsOf(
  config: Config,
  surroundings: { ownerUrl: string; log: Logger; version: string; clock?: Clock },
): FlowOptions {
  const clock = surroundings.clock ?? systemClock;
  const random = systemRandom;
  const { host, port, trustProxy } = config.http;
  return {
    role: config.role,
    network: config.network,
    ownerUrl: surroundings.ownerUrl,
    publicUrl: (config.publicUrl ?? `http://${host}:${port}`).replace(/\/$/, ''),
    http: { host, port, trustProxy },
    bitcoin: { target: rpcTargetOf(config), zmq: zmqOf(config) },
    startHeight: config.startHeight,
    rateSources: rateSourcesOf(config),
    webhookUrls: {
      allowPrivateAddresses: config.webhooks.allowPrivateAddresses,
      allowInsecureHttp: config.webhooks.allowHttp,
    },
    lightningAddresses: config.lightningAddresses,
    mail: mailOf(config),
    filingSchemas: config.filings.schemaFolder ?? null,
    limits: rateLimitsOf(config),
    socketsPerAddress: config.limits.socketsPerAddress,
    version: surroundings.version,
    clock,
    ids: uuidV7Ids(clock, random),
    random,
    log: surroundings.log,
    metrics: createMetrics({ processMetrics: true }),
    metricsAt: metricsPlaceOf(config),
    signer: signerOf(config),
    approverFile: approverFileOf(config),
    secretsKeyFile: secretsKeyFileOf(config),
    lightning: {
      embedded: embeddedLightningOf(config),
      embeddedSocket: embeddedSocketOf(config),
      allowPrivateAddresses: config.lightning.allowPrivateAddresses,
    },
  };
}

/** How transactions are signed; null: elsewhere. */
export function signerOf({ signer: { socket, dir, keyFile } }: Config): FlowOptions['signer'] {
  const socketPath = socket === undefined ? undefined : resolve(socket);
  if (dir === undefined || keyFile === undefined) {
    return socketPath === undefined ? null : { socketPath };
  }
  const place = { dir: resolve(dir), keyFile: resolve(keyFile) };
  return socketPath === undefined ? place : { ...place, socketPath };
}

/** Where the key is with which the server approves payouts by itself. */
export function approverFileOf({ signer, dataDir }: Config): string {
  return resolve(signer.approverFile ?? join(dataDir, 'approver.key'));
}

/** The Lightning node that is started with the server: on regtest alone (ADR 0014). */
export function embeddedLightningOf(config: Config): LightningNodePlace | null {
  const { embeddedDir } = config.lightning;
  if (embeddedDir === undefined || config.network !== 'regtest' || config.role !== 'all')
    return null;
  const { url, ...login } = rpcTargetOf(config);
  if (!('user' in login)) return null;
  const folder = resolve(embeddedDir);
  return { folder, network: config.network, alias: 'quittance', bitcoind: { url, ...login } };
}

/** Stores' Lightning nodes, for a command that asks them; it starts none. */
export function openConfiguredNodes(config: Config, database: Database): LightningNodes {
  const embeddedSocket = embeddedSocketOf(config);
  return openNodes({
    database,
    sealer: openSealer(secretsKeyFileOf(config)),
    open: backendsOpener(
      systemBackends({
        ...{ network: config.network, embeddedSocket, clock: systemClock, random: systemRandom },
      }),
    ),
    clock: systemClock,
    log: loggerOf(config),
  });
}

/** Where that node is reached, whoever has started it. */
export function embeddedSocketOf({ lightning, network }: Config): string | null {
  const { embeddedDir } = lightning;
  if (embeddedDir === undefined || network !== 'regtest') return null;
  return lightningSocketOf({ folder: resolve(embeddedDir) });
}

/** Where the key is under which secrets lie sealed in the database. */
export function secretsKeyFileOf({ secretsKeyFile, dataDir }: Config): string {
  return resolve(secretsKeyFile ?? join(dataDir, 'secrets.key'));
}

const SUBMISSION_PORT = 587;
const IMPLICIT_TLS_PORT = 465;

/** How e-mails are sent and who operates this server; undefined: e-mails are not sent. */
export function mailOf({ smtp }: Config): FlowOptions['mail'] {
  const { host, port, tls, user, password, from, operatorEmails } = smtp;
  if (host === undefined || from === undefined) return undefined;
  const login = user === undefined || password === undefined ? undefined : { user, password };
  const usualPort = tls === 'implicit' ? IMPLICIT_TLS_PORT : SUBMISSION_PORT;
  return { smtp: { host, port: port ?? usualPort, tls, login, from }, operatorEmails };
}

function rateLimitsOf({ limits }: Config): FlowOptions['limits'] {
  const each = limits.keyRequestsPerMinute;
  const byKey = each === undefined ? {} : { read: each, write: each, create: each };
  return { public: limits.requestsPerMinute, ...byKey };
}

function metricsPlaceOf({ metrics: { host, port } }: Config): FlowOptions['metricsAt'] {
  return port === undefined ? undefined : { host, port };
}

export function rpcTargetOf({ bitcoin, network }: Config): BitcoinRpcTarget {
  const url = bitcoin.rpcUrl ?? `http://127.0.0.1:${RPC_PORTS[network]}`;
  if (bitcoin.cookieFile !== undefined) return { url, cookieFile: bitcoin.cookieFile };
  return {
    url,
    user: bitcoin.rpcUser ?? '',
    password: bitcoin.rpcPassword?.reveal() ?? '',
  };
}

function zmqOf({ bitcoin }: Config): ZmqEndpoints {
  return {
    ...(bitcoin.zmqRawTx !== undefined && { rawtx: bitcoin.zmqRawTx }),
    ...(bitcoin.zmqHashBlock !== undefined && { hashblock: bitcoin.zmqHashBlock }),
    ...(bitcoin.zmqSequence !== undefined && { sequence: bitcoin.zmqSequence }),
  };
}

function rateSourcesOf({ rates }: Config): RateSource[] {
  const wanted = rates.sources;
  const chosen =
    wanted === undefined
      ? publicSources
      : publicSources.filter(({ name }) => wanted.includes(name));
  const fixed = Object.keys(rates.fixed).length > 0 ? [fixedSource(rates.fixed)] : [];
  return [...chosen, ...fixed];
}
