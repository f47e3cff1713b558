import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  findFreePorts,
  startCompanion,
} from '../../apps/server/src/platform/embedded/companion.ts';
import type { LndConnection } from '../../apps/server/src/receiving/lightning/backends/lnd/index.ts';
import { readLndConnection } from '../../apps/server/src/receiving/lightning/backends/lnd/connection.ts';
import {
  createLndRest,
  LndRefusal,
  type LndRest,
} from '../../apps/server/src/receiving/lightning/backends/lnd/rest.ts';
import { channelsShape } from '../../apps/server/src/receiving/lightning/backends/lnd/shapes.ts';
import { endProgram, untilOr } from './real-node.ts';
import type { Regtest } from './regtest.ts';
import { temporaryFolder } from './temporary.ts';

/** LND makes a wallet, a certificate and its macaroons when it starts for the first time. */
const START_TIMEOUT_MS = 90_000;
const SYNC_TIMEOUT_MS = 60_000;
/** A second or two; much longer on a machine that is busy with other tests. */
const ROUTABLE_TIMEOUT_MS = 60_000;

/** A real LND on a regtest chain. */
export type RunningLnd = {
  readonly publicKey: string;
  /** `host:port` for its peers. */
  readonly address: string;
  /** With every right. */
  readonly admin: LndConnection;
  /** LND's own interface, for what a test does behind the back of what it tests. */
  readonly rest: LndRest;
  /** A macaroon with exactly these rights, such as `uri:/lnrpc.Lightning/GetInfo`. */
  bake(rights: readonly string[]): Promise<LndConnection>;
  newAddress(): Promise<string>;
  connect(peer: { publicKey: string; address: string }): Promise<void>;
  /** Opens a channel; it is usable after some blocks. */
  openChannel(options: {
    peer: string;
    sats: bigint;
    pushSats?: bigint;
    isPrivate?: boolean;
  }): Promise<void>;
  /** Waits until it has seen every block. */
  synced(): Promise<void>;
  /**
   * Waits until it has so many active channels at least and can route over all of them. A new one
   * is active as soon as the peer says that it is ready, but LND looks only once a second whether it
   * may put it into its graph (funding/manager.go, checkPeerChannelReadyInterval). Until then it
   * finds no route over it and gives no hint to it in an invoice.
   */
  routable(channels: number): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again with what lies on its disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts LND on the chain of `regtest`. It ends with us. */
export async function startLnd(
  binary: string,
  regtest: Regtest,
  options: { alias: string; extraArgs?: readonly string[] },
): Promise<RunningLnd> {
  const folder = temporaryFolder(`lnd-${options.alias}`);
  const [p2p = 0, rpc = 0, rest = 0] = await findFreePorts(3);
  const start = () =>
    startCompanion(
      binary,
      [
        ...lndArgs(folder.path, regtest, { p2p, rpc, rest }, options.alias),
        ...(options.extraArgs ?? []),
      ],
      { signalOnOurDeath: 'SIGTERM' },
    );
  // LND takes a chain for old whose best block is older than two hours.
  await regtest.mine(1);
  let lnd = start();
  const state = join(folder.path, 'data/chain/bitcoin/regtest/admin.macaroon');
  const certificate = join(folder.path, 'tls.cert');
  await untilOr(
    () => existsSync(state) && existsSync(certificate),
    START_TIMEOUT_MS,
    () => lastWords(folder.path, lnd.tail()),
  );
  const admin: LndConnection = {
    url: `https://127.0.0.1:${rest}`,
    macaroon: readFileSync(state).toString('hex'),
    certificate: readFileSync(certificate, 'utf8'),
  };
  const api = createLndRest(readLndConnection(admin));
  const ready = async () => {
    await untilOr(
      () => answers(api),
      START_TIMEOUT_MS,
      () => lastWords(folder.path, lnd.tail()),
    );
  };
  await ready();
  const { identity_pubkey: publicKey } = await api.get('/v1/getinfo', infoShape);

  return {
    publicKey,
    address: `127.0.0.1:${p2p}`,
    admin,
    rest: api,
    async bake(rights) {
      const permissions = rights.map((right) => {
        const colon = right.indexOf(':');
        return { entity: right.slice(0, colon), action: right.slice(colon + 1) };
      });
      const { macaroon } = await api.post(
        '/v1/macaroon',
        { permissions, allow_external_permissions: true },
        z.object({ macaroon: z.string() }),
      );
      return { ...admin, macaroon };
    },
    async newAddress() {
      return (await api.get('/v1/newaddress', z.object({ address: z.string() }))).address;
    },
    async connect(peer) {
      const addr = { pubkey: peer.publicKey, host: peer.address };
      await api.post('/v1/peers', { addr, timeout: '10' }, z.unknown()).catch((error: unknown) => {
        if (!/already connected/.test(String(error))) throw error;
      });
    },
    async openChannel({ peer, sats, pushSats = 0n, isPrivate = false }) {
      await api.post(
        '/v1/channels',
        {
          node_pubkey: Buffer.from(peer, 'hex').toString('base64'),
          local_funding_amount: String(sats),
          push_sat: String(pushSats),
          private: isPrivate,
          sat_per_vbyte: '2',
        },
        z.unknown(),
      );
    },
    async synced() {
      await untilOr(
        async () => {
          const height = await regtest.rpc.call<number>('getblockcount');
          const info = await api.get('/v1/getinfo', infoShape);
          return info.synced_to_chain && info.block_height >= Number(height);
        },
        SYNC_TIMEOUT_MS,
        () => lastWords(folder.path, lnd.tail()),
      );
    },
    async routable(atLeast) {
      await untilOr(
        async () => {
          const { channels } = await api.get('/v1/channels', channelsShape);
          if (channels.length < atLeast || channels.some(({ active }) => !active)) return false;
          const known = await Promise.all(channels.map(({ chan_id }) => hasPolicies(api, chan_id)));
          return known.every(Boolean);
        },
        ROUTABLE_TIMEOUT_MS,
        () => lastWords(folder.path, lnd.tail()),
      );
    },
    async kill() {
      lnd.signal('SIGKILL');
      await lnd.exited;
    },
    async restart() {
      lnd = start();
      await ready();
    },
    async stop() {
      await api.close();
      await endProgram(lnd);
      folder.remove();
    },
  };
}

const edgeShape = z.object({ node1_policy: z.unknown(), node2_policy: z.unknown() });

/** Ours for paying over the channel, the peer's for hints: LND has them one after the other. */
async function hasPolicies(rest: LndRest, channelId: bigint): Promise<boolean> {
  try {
    const edge = await rest.get(`/v1/graph/edge/${channelId}`, edgeShape);
    return [edge.node1_policy, edge.node2_policy].every((policy) => (policy ?? null) !== null);
  } catch (error) {
    // LND's answer for an edge that its graph does not have.
    if (error instanceof LndRefusal) return false;
    throw error;
  }
}

const infoShape = z.object({
  identity_pubkey: z.string(),
  synced_to_chain: z.boolean(),
  block_height: z.number(),
});

/** Some calls work before others; only this state means all (stateservice.proto). */
async function answers(rest: LndRest): Promise<boolean> {
  return rest.get('/v1/state', z.object({ state: z.string() })).then(
    ({ state }) => state === 'SERVER_ACTIVE',
    () => false,
  );
}

function lndArgs(
  folder: string,
  { node }: Regtest,
  ports: { p2p: number; rpc: number; rest: number },
  alias: string,
): string[] {
  return [
    `--lnddir=${folder}`,
    `--alias=${alias}`,
    '--noseedbackup',
    '--bitcoin.regtest',
    '--bitcoin.node=bitcoind',
    '--bitcoin.defaultchanconfs=1',
    `--bitcoind.rpchost=${new URL(node.rpcUrl).host}`,
    `--bitcoind.rpcuser=${node.rpcUser}`,
    `--bitcoind.rpcpass=${node.rpcPassword}`,
    `--bitcoind.zmqpubrawblock=${node.zmq.rawblock}`,
    `--bitcoind.zmqpubrawtx=${node.zmq.rawtx}`,
    `--listen=127.0.0.1:${ports.p2p}`,
    `--rpclisten=127.0.0.1:${ports.rpc}`,
    `--restlisten=127.0.0.1:${ports.rest}`,
    '--nobootstrap',
    '--accept-keysend',
    // Gossip without its usual minutes of waiting.
    '--trickledelay=50',
    '--debuglevel=info',
  ];
}

function lastWords(folder: string, tail: string): string {
  const path = join(folder, 'logs/bitcoin/regtest/lnd.log');
  const log = existsSync(path) ? readFileSync(path, 'utf8').slice(-2_000) : '';
  return `LND does not get ready: ${tail}\n${log}`;
}
