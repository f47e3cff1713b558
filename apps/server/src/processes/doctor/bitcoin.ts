import { connect } from 'node:net';
import {
  type BitcoinRpc,
  BitcoinRpcError,
  createBitcoinRpc,
} from '../../platform/bitcoin-node/index.ts';
import { type Config, RPC_PORTS } from '../../platform/config/index.ts';
import { inspectNode } from '../../receiving/chain/index.ts';
import { neededFromHeight } from './database.ts';
import { blocking, type Finding, ok, warning } from './finding.ts';

const ZMQ_TIMEOUT_MS = 2_000;
/** A ZMTP peer begins with these bytes at 0 and 9 (ZeroMQ RFC 23, signature). */
const ZMTP_FIRST = 0xff;
const ZMTP_TENTH = 0x7f;

export async function checkBitcoin(config: Config, nowMs: number): Promise<Finding[]> {
  const { bitcoin, network } = config;
  const target = rpcTarget(config);
  if (target === undefined) {
    const action = 'set bitcoin.cookieFile, or bitcoin.rpcUser and bitcoin.rpcPassword';
    return [blocking('node', 'no credentials for the node are configured', action)];
  }
  const rpc = createBitcoinRpc(target);
  try {
    const { zmqRawTx, zmqHashBlock, zmqSequence } = bitcoin;
    const findings: Finding[] = await inspectNode(rpc, {
      network,
      nowMs,
      zmqWanted: { rawTx: zmqRawTx, hashBlock: zmqHashBlock, sequence: zmqSequence },
      neededFromHeight: await neededFromHeight(config),
    });
    // An unreachable node is one finding, not five.
    if (findings.some(({ check, level }) => check === 'node' && level === 'blocking'))
      return findings;
    const endpoints = new Set([zmqRawTx, zmqHashBlock, zmqSequence].filter((e) => e !== undefined));
    const reached = await Promise.all([...endpoints].map(checkZmqEndpoint));
    return [...findings, ...reached.flat(), await checkRest(rpc, config, target.url)];
  } finally {
    await rpc.close();
  }
}

function rpcTarget({ bitcoin, network }: Config) {
  const url = bitcoin.rpcUrl ?? `http://127.0.0.1:${RPC_PORTS[network]}`;
  const { cookieFile, rpcUser: user, rpcPassword } = bitcoin;
  if (cookieFile !== undefined) return { url, cookieFile };
  if (user === undefined || rpcPassword === undefined) return undefined;
  return { url, user, password: rpcPassword.reveal() };
}

async function checkRest(rpc: BitcoinRpc, config: Config, url: string): Promise<Finding> {
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);
  if (config.bitcoin.restLoopbackOnly && !loopback) {
    return ok('rest', 'not used: the node is on another machine (bitcoin.restLoopbackOnly)');
  }
  try {
    await rpc.fetchBytes('/rest/chaininfo.json');
    return ok('rest', 'on: blocks are read the fast way');
  } catch (error) {
    if (!(error instanceof BitcoinRpcError)) throw error;
    return warning(
      'rest',
      `off (${error.message}): blocks are read over RPC`,
      'start the node with -rest=1',
    );
  }
}

/** Only trouble is a finding: what the node publishes has been looked at already. */
async function checkZmqEndpoint(endpoint: string): Promise<Finding[]> {
  const outcome = await greet(endpoint);
  if (outcome === 'zmq') return [];
  const action = 'check the address, the firewall and the node’s -zmqpub options';
  return [warning('zmq', `${endpoint}: ${outcome}`, action)];
}

function greet(endpoint: string): Promise<string> {
  const tcp = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint);
  const path = endpoint.replace(/^ipc:\/\//, '');
  const host = tcp?.[1]?.replace(/^\[|\]$/g, '');
  const socket = host === undefined ? connect({ path }) : connect({ host, port: Number(tcp?.[2]) });
  return new Promise((resolve) => {
    let greeting = Buffer.alloc(0);
    const done = (outcome: string) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(ZMQ_TIMEOUT_MS, () => done('nobody answers'));
    socket.once('error', (error) => done('code' in error ? String(error.code) : error.message));
    socket.once('close', () => done('the connection was closed'));
    socket.on('data', (data) => {
      greeting = Buffer.concat([greeting, data]);
      if (greeting.length < 10) return;
      const zmtp = greeting[0] === ZMTP_FIRST && greeting[9] === ZMTP_TENTH;
      done(zmtp ? 'zmq' : 'what answers there is not ZMQ');
    });
  });
}
