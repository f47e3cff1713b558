import { join } from 'node:path';
import pg from 'pg';
import type { RegtestNode } from '../../../apps/server/src/platform/embedded/bitcoind.ts';

/** A killed database server says a lot while it recovers; that is no news here. */
export const silent = { info(): void {}, warn(): void {} };

/** The environment of a server on a real node, with prices that stand still and no limit of requests. */
export function serverSettings(places: {
  databaseUrl: string;
  node: RegtestNode;
  folder: string;
}): Record<string, string> {
  const { databaseUrl, node, folder } = places;
  return {
    DATABASE_URL: databaseUrl,
    QUITTANCE_NETWORK: 'regtest',
    QUITTANCE_RATES_FIXED: '{"USD":"65000.00"}',
    QUITTANCE_BITCOIN_RPC_URL: node.rpcUrl,
    QUITTANCE_BITCOIN_RPC_USER: node.rpcUser,
    QUITTANCE_BITCOIN_RPC_PASSWORD: node.rpcPassword,
    QUITTANCE_BITCOIN_ZMQ_RAW_TX: node.zmq.rawtx,
    QUITTANCE_BITCOIN_ZMQ_HASH_BLOCK: node.zmq.hashblock,
    QUITTANCE_BITCOIN_ZMQ_SEQUENCE: node.zmq.sequence,
    QUITTANCE_LIMITS_REQUESTS_PER_MINUTE: '1000000',
    QUITTANCE_SECRETS_KEY_FILE: join(folder, 'secrets.key'),
  };
}

/** Connects as the database's owner. The server may be killed: then the next query fails. */
export async function connectOwner(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
