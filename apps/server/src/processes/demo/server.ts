import { join } from 'node:path';
import { type Clock, systemClock, uuidV7Ids } from '@quittance/kernel';
import { assemble, type FlowOptions } from '../../wiring/flow.ts';
import type { Database } from '../../platform/db/index.ts';
import { migrate } from '../../platform/db/index.ts';
import type { RateLimits } from '../../platform/http/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { createMetrics } from '../../platform/metrics/index.ts';
import { systemRandom } from '../../platform/random.ts';
import { fixedSource } from '../../receiving/rates/index.ts';
import { version } from '../version.ts';
import { shopLightning } from './lightning.ts';
import type { Services } from './services.ts';

export const HOST = '127.0.0.1';
export const clock: Clock = systemClock;
export const random = systemRandom;
export const ids = uuidV7Ids(clock, random);

/** Fixed, so that the demo needs no internet and the same click costs the same. */
const PRICES_OF_ONE_BITCOIN = {
  AUD: '98000.00',
  BRL: '350000.00',
  CAD: '89500.00',
  CHF: '57500.00',
  CNY: '465000.00',
  EUR: '60000.00',
  GBP: '51500.00',
  HKD: '508000.00',
  INR: '5600000.00',
  JPY: '9800000',
  KRW: '90000000',
  KWD: '19900.000',
  SGD: '84500.00',
  TWD: '2050000.00',
  USD: '65000.00',
};

/** On one's own machine nobody has to be held back; tests and benches send what they like. */
const NO_LIMIT = 1_000_000_000;
const LIMITS: RateLimits = {
  read: NO_LIMIT,
  history: NO_LIMIT,
  write: NO_LIMIT,
  create: NO_LIMIT,
  public: NO_LIMIT,
  claim: NO_LIMIT,
  wrongKey: NO_LIMIT,
};
const SOCKETS_PER_ADDRESS = 10_000;

export type ServerOptions = {
  lifecycle: Lifecycle;
  folder: string;
  services: Services;
  baseUrl: string;
  port: number;
  log: Logger;
  addRoutes: NonNullable<FlowOptions['addRoutes']>;
};

/** The real server with all its parts, on regtest and with what only a demo may allow. */
export async function assembleServer(options: ServerOptions): Promise<Database> {
  const { services, lifecycle } = options;
  const { node } = services.chain;
  await migrate(services.postgres.url);
  return assemble(lifecycle, {
    role: 'all',
    network: 'regtest',
    ownerUrl: services.postgres.url,
    publicUrl: options.baseUrl,
    http: { host: HOST, port: options.port, trustProxy: [] },
    bitcoin: {
      target: { url: node.rpcUrl, user: node.rpcUser, password: node.rpcPassword },
      zmq: { rawtx: node.zmq.rawtx, hashblock: node.zmq.hashblock, sequence: node.zmq.sequence },
    },
    startHeight: undefined,
    signer: services.hotWallet.place,
    approverFile: services.hotWallet.approverFile,
    secretsKeyFile: join(options.folder, 'secrets.key'),
    lightning: {
      embedded: shopLightning(options.folder, services.chain),
      allowPrivateAddresses: true,
    },
    rateSources: [fixedSource(PRICES_OF_ONE_BITCOIN)],
    webhookUrls: { allowPrivateAddresses: true, allowInsecureHttp: true },
    limits: LIMITS,
    socketsPerAddress: SOCKETS_PER_ADDRESS,
    version: version(),
    clock,
    ids,
    random,
    log: options.log,
    metrics: createMetrics({ processMetrics: true }),
    addRoutes: options.addRoutes,
  });
}
