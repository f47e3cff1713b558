import { z } from 'zod';
import { type BitcoinRpc, BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import { checkNode, explainRpcError, type NodeFacts, type NodeFinding } from './node-checks.ts';

/** The start-up questions are cheap; a node that takes longer than this is in trouble. */
const CALL_TIMEOUT_MS = 10_000;
/** RPC_METHOD_NOT_FOUND of Bitcoin Core's src/rpc/protocol.h. */
const METHOD_NOT_FOUND = -32601;

const blockchainInfoSchema = z.object({
  chain: z.string(),
  blocks: z.int(),
  headers: z.int(),
  initialblockdownload: z.boolean(),
  pruned: z.boolean(),
  pruneheight: z.int().optional(),
  /** Since Bitcoin Core 23.0. */
  time: z.int().optional(),
  mediantime: z.int(),
  /** A text before Bitcoin Core 28.0, a list since. */
  warnings: z.union([z.string(), z.array(z.string())]).optional(),
});
const networkInfoSchema = z.object({
  version: z.int(),
  subversion: z.string(),
  connections: z.int(),
  timeoffset: z.int(),
});
const deploymentInfoSchema = z.looseObject({ deployments: z.record(z.string(), z.unknown()) });
const zmqSchema = z.array(z.object({ type: z.string(), address: z.string(), hwm: z.int() }));

export type NodeQuestion = Pick<NodeFacts, 'network' | 'zmqWanted' | 'neededFromHeight' | 'nowMs'>;

/** Asks the node all that `checkNode` wants to know. @throws {BitcoinRpcError} */
export async function readNodeFacts(rpc: BitcoinRpc, question: NodeQuestion): Promise<NodeFacts> {
  const ask = <T>(method: string, schema: z.ZodType<T>, params: readonly unknown[] = []) =>
    rpc.call(method, params, (raw) => parse(method, schema, raw), { timeoutMs: CALL_TIMEOUT_MS });
  // One after the other: the first failure tells it all, a warming node answers none.
  const info = await ask('getblockchaininfo', blockchainInfoSchema);
  const genesisHash = await ask('getblockhash', z.string(), [0]);
  const network = await ask('getnetworkinfo', networkInfoSchema);
  const deployments = await unlessUnknown(ask('getdeploymentinfo', deploymentInfoSchema));
  // Missing when the node was built without ZMQ.
  const zmq = await unlessUnknown(ask('getzmqnotifications', zmqSchema));
  const warnings = typeof info.warnings === 'string' ? [info.warnings] : (info.warnings ?? []);
  return {
    ...question,
    genesisHash,
    blockchainInfo: {
      chain: info.chain,
      blocks: info.blocks,
      headers: info.headers,
      initialBlockDownload: info.initialblockdownload,
      pruned: info.pruned,
      pruneHeight: info.pruneheight,
      tipTimeSeconds: info.time ?? info.mediantime,
      warnings: warnings.filter((text) => text !== ''),
    },
    deployments: deployments === null ? null : deploymentNames(deployments),
    networkInfo: {
      version: network.version,
      subversion: network.subversion,
      connections: network.connections,
      timeOffsetSeconds: network.timeoffset,
    },
    zmqNotifications: zmq ?? [],
  };
}

/** Asks and judges; a node that can't be asked is a finding too. */
export async function inspectNode(rpc: BitcoinRpc, question: NodeQuestion): Promise<NodeFinding[]> {
  try {
    return checkNode(await readNodeFacts(rpc, question));
  } catch (error) {
    if (error instanceof BitcoinRpcError) return [explainRpcError(error)];
    throw error;
  }
}

/**
 * All rule changes that getdeploymentinfo names. Bitcoin Core lists them under `deployments`;
 * other software puts some beside it ("blake2b": {"height": …, "active": false}). Plain values
 * and lists beside it (hash, height) are no rule changes.
 */
export function deploymentNames(info: z.infer<typeof deploymentInfoSchema>): string[] {
  const beside = Object.entries(info)
    .filter(([key, value]) => key !== 'deployments' && typeof value === 'object')
    .filter(([, value]) => value !== null && !Array.isArray(value));
  return [...Object.keys(info.deployments), ...beside.map(([key]) => key)];
}

function parse<T>(method: string, schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new BitcoinRpcError('malformed', `the answer to ${method} is not that of a Bitcoin node`);
}

async function unlessUnknown<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BitcoinRpcError && error.code === METHOD_NOT_FOUND) return null;
    throw error;
  }
}
