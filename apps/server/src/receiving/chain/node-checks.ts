import { networks } from '@quittance/bitcoin';
import type { BitcoinRpcError } from '../../platform/bitcoin-node/index.ts';
import type { Network } from '../../platform/config/index.ts';

/**
 * One thing that was found out about the node. `blocking`: the server must not take payments over
 * this node. `temporary`: waiting mends it, so a watcher waits and asks again.
 */
export type NodeFinding = {
  level: 'ok' | 'warning' | 'blocking';
  check: string;
  detail: string;
  action?: string;
  temporary?: true;
};

/** What the node says about itself: answers of the RPCs by these names, only what is used. */
export type NodeFacts = {
  network: Network;
  /** From getblockhash 0. */
  genesisHash: string;
  blockchainInfo: {
    chain: string;
    blocks: number;
    headers: number;
    initialBlockDownload: boolean;
    pruned: boolean;
    /** Lowest block that a pruned node still has. */
    pruneHeight?: number | undefined;
    /** Unix seconds of the tip's header. */
    tipTimeSeconds: number;
    warnings: readonly string[];
  };
  /** Names of getdeploymentinfo's deployments; null when the node doesn't know the call. */
  deployments: readonly string[] | null;
  networkInfo: {
    version: number;
    subversion: string;
    connections: number;
    timeOffsetSeconds: number;
  };
  zmqNotifications: readonly { type: string; address: string; hwm: number }[];
  /** The endpoints that the server is configured to listen to. */
  zmqWanted: {
    rawTx?: string | undefined;
    hashBlock?: string | undefined;
    sequence?: string | undefined;
  };
  /** The lowest block that still has to be read; left out when it starts at the tip. */
  neededFromHeight?: number | undefined;
  nowMs: number;
};

/** What getblockchaininfo calls each network (Bitcoin Core, util/chaintype.cpp). */
const CHAIN_NAMES: Readonly<Record<Network, string>> = {
  mainnet: 'main',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
};

/** Every rule change that Bitcoin Core lists in getdeploymentinfo (deploymentinfo.cpp). */
const KNOWN_DEPLOYMENTS = new Set([
  'bip34',
  'bip65',
  'bip66',
  'csv',
  'segwit',
  'taproot',
  'testdummy',
]);
/** getdeploymentinfo came with Bitcoin Core 23.0; without it the rules can't be compared. */
const MIN_VERSION = 230_000;
/** Blocks' times may lie two hours ahead (Bitcoin Core: MAX_FUTURE_BLOCK_TIME). */
const MAX_TIP_AHEAD_MS = 2 * 3_600_000;
/** 18 usual block intervals: by chance it happens about once in a thousand years. */
const MAX_TIP_AGE_MS = 3 * 3_600_000;
/** Order expiry counts in minutes, webhooks' timestamps are refused after five. */
const MAX_TIME_OFFSET_SECONDS = 60;
/** Blocks that headers may be ahead while one is being checked. */
const MAX_BLOCKS_BEHIND = 2;
/** A block's transactions come in one burst; the node's default of 1,000 drops some of them. */
const MIN_ZMQ_HWM = 10_000;

/** Judges a node by its answers. The same function serves the doctor and the watcher's start. */
export function checkNode(facts: NodeFacts): NodeFinding[] {
  const chain = checkChain(facts);
  // On another network nothing else that the node says matters.
  if (chain.level === 'blocking') return [chain];
  return [
    chain,
    checkVersion(facts),
    checkRules(facts),
    checkSync(facts),
    checkPruning(facts),
    checkClock(facts),
    ...checkPeers(facts),
    ...checkZmq(facts),
    ...facts.blockchainInfo.warnings.map((detail) => warning('node', `the node warns: ${detail}`)),
  ];
}

function checkChain({ network, genesisHash, blockchainInfo }: NodeFacts): NodeFinding {
  const wanted = { chain: CHAIN_NAMES[network], genesisHash: networks[network].genesisHash };
  if (blockchainInfo.chain !== wanted.chain) {
    return blocking(
      'chain',
      `the node is on "${blockchainInfo.chain}", the server is configured for ${network}`,
      'set bitcoin.rpcUrl to the right node, or network to the network of this one',
    );
  }
  if (genesisHash !== wanted.genesisHash) {
    return blocking(
      'chain',
      `the node calls its chain "${wanted.chain}", but its first block is ${genesisHash}`,
      'this is not the Bitcoin network; use a node of Bitcoin Core',
    );
  }
  return ok('chain', `${network}, block ${blockchainInfo.blocks}`);
}

function checkVersion({
  networkInfo: { version, subversion },
  deployments,
}: NodeFacts): NodeFinding {
  if (version >= MIN_VERSION && deployments !== null) return ok('version', subversion);
  return blocking(
    'version',
    `${subversion} is too old: it can not say which rules it follows`,
    'install Bitcoin Core 23.0 or newer; for testnet4, 28.0',
  );
}

/**
 * Other software can answer all calls like Bitcoin Core and still leave its chain at a planned
 * height. Payments on a chain that nobody else follows are worth nothing.
 */
function checkRules({ network, deployments }: NodeFacts): NodeFinding {
  const unknown = (deployments ?? []).filter((name) => !KNOWN_DEPLOYMENTS.has(name));
  if (unknown.length === 0) return ok('rules', 'the rules of Bitcoin Core');
  const detail = `the node has consensus rules that Bitcoin Core does not have: ${unknown.join(', ')}`;
  if (network === 'regtest') return ok('rules', `${detail} (harmless on regtest)`);
  return blocking(
    'rules',
    `${detail}; it will leave, or has left, the chain that others follow`,
    'run Bitcoin Core. If this is a newer Bitcoin Core, update Quittance first',
  );
}

function checkSync({ network, blockchainInfo }: NodeFacts): NodeFinding {
  const { blocks, headers, initialBlockDownload } = blockchainInfo;
  // A fresh regtest chain counts as downloading until its first recent block.
  if (initialBlockDownload && network !== 'regtest') {
    const detail = `the node is still downloading the chain: block ${blocks} of ${headers}`;
    return { ...blocking('sync', detail, 'wait until it is done'), temporary: true };
  }
  if (headers - blocks > MAX_BLOCKS_BEHIND) {
    return warning('sync', `the node is ${headers - blocks} blocks behind the headers it knows`);
  }
  return ok('sync', 'the node has all blocks that it knows of');
}

function checkPruning({ blockchainInfo, neededFromHeight }: NodeFacts): NodeFinding {
  if (!blockchainInfo.pruned) return ok('blocks', 'the node keeps all blocks');
  const from = blockchainInfo.pruneHeight ?? 0;
  if (neededFromHeight !== undefined && neededFromHeight < from) {
    return blocking(
      'blocks',
      `the node is pruned and begins at block ${from}; blocks from ${neededFromHeight} on still have to be read`,
      'use a node that has them, or reindex this one with a larger -prune (docs/runbooks/node-down.md)',
    );
  }
  return warning(
    'blocks',
    `the node is pruned and begins at block ${from}: if the server stands still for longer than that, payments in deleted blocks can not be found`,
    'keep at least two weeks of blocks: -prune=10000 or more, or no pruning',
  );
}

function checkClock({ network, blockchainInfo, networkInfo, nowMs }: NodeFacts): NodeFinding {
  const tipAgeMs = nowMs - blockchainInfo.tipTimeSeconds * 1_000;
  const action = 'set the clock by NTP (timedatectl set-ntp true; docs/runbooks/clock-jump.md)';
  if (network !== 'regtest' && -tipAgeMs > MAX_TIP_AHEAD_MS) {
    const hours = (-tipAgeMs / 3_600_000).toFixed(1);
    return blocking(
      'clock',
      `the newest block is ${hours} h ahead of this machine's clock`,
      action,
    );
  }
  if (Math.abs(networkInfo.timeOffsetSeconds) > MAX_TIME_OFFSET_SECONDS) {
    const detail = `the node's peers have clocks that differ by ${networkInfo.timeOffsetSeconds} s`;
    return warning('clock', detail, action);
  }
  if (network !== 'regtest' && tipAgeMs > MAX_TIP_AGE_MS) {
    const hours = (tipAgeMs / 3_600_000).toFixed(1);
    const detail = `the newest block is ${hours} h old: the node hears of none, or this machine's clock is ahead`;
    return warning('clock', detail, `see the node's peers (bitcoin-cli getpeerinfo); ${action}`);
  }
  return ok('clock', 'agrees with the newest block and the node’s peers');
}

function checkPeers({ network, networkInfo: { connections } }: NodeFacts): NodeFinding[] {
  if (network === 'regtest') return [];
  if (connections > 0) return [ok('peers', `${connections} connections`)];
  const detail = 'the node has no peers: it hears of no payment and no block';
  return [warning('peers', detail, 'see its network settings and the firewall')];
}

function checkZmq({ zmqNotifications, zmqWanted }: NodeFacts): NodeFinding[] {
  const rows = [
    { type: 'pubrawtx', setting: 'bitcoin.zmqRawTx', endpoint: zmqWanted.rawTx },
    { type: 'pubhashblock', setting: 'bitcoin.zmqHashBlock', endpoint: zmqWanted.hashBlock },
    { type: 'pubsequence', setting: 'bitcoin.zmqSequence', endpoint: zmqWanted.sequence },
  ];
  return rows.map(({ type, setting, endpoint }) => {
    const option = `-zmq${type}`;
    const published = zmqNotifications.filter((notification) => notification.type === type);
    if (endpoint === undefined) {
      const detail = `${setting} is not set: news arrive by asking, within seconds instead of milliseconds`;
      const known = published[0]?.address;
      const action =
        known === undefined
          ? `start the node with ${option}=tcp://127.0.0.1:PORT and set ${setting}`
          : `set ${setting} to ${known}`;
      return warning('zmq', detail, action);
    }
    const match = published.find(({ address }) => endpointPort(address) === endpointPort(endpoint));
    if (match === undefined) {
      const detail = `the node does not publish ${type} on ${endpoint}`;
      return warning('zmq', detail, `start the node with ${option}=${endpoint}`);
    }
    if (match.hwm > 0 && match.hwm < MIN_ZMQ_HWM) {
      const detail = `${type}: the node's queue holds ${match.hwm} messages and drops the rest`;
      return warning('zmq', detail, `start the node with ${option}hwm=${MIN_ZMQ_HWM}`);
    }
    return ok('zmq', `${type} on ${endpoint}`);
  });
}

/** A node that listens on 0.0.0.0 is reached by another address: the port, or the path, is the same. */
function endpointPort(endpoint: string): string {
  return /^tcp:.*:(\d+)$/.exec(endpoint)?.[1] ?? endpoint;
}

/** What a failed call says about the node, and what to do. */
export function explainRpcError(error: Pick<BitcoinRpcError, 'kind' | 'message'>): NodeFinding {
  switch (error.kind) {
    case 'unreachable':
      return {
        ...blocking(
          'node',
          error.message,
          'start bitcoind; check bitcoin.rpcUrl, -rpcbind and -rpcallowip',
        ),
        temporary: true,
      };
    case 'timeout':
      return {
        ...blocking('node', error.message, 'see what keeps the node busy: its log and its disk'),
        temporary: true,
      };
    case 'warming_up':
      return {
        ...blocking('node', `the node is starting: ${error.message}`, 'wait until it is done'),
        temporary: true,
      };
    case 'unauthorized':
      return blocking(
        'node',
        error.message,
        'check bitcoin.cookieFile, or rpcUser and rpcPassword against the node’s rpcauth, and -rpcwhitelist',
      );
    case 'malformed':
      return blocking(
        'node',
        error.message,
        'bitcoin.rpcUrl does not seem to be a Bitcoin node; check it',
      );
    case 'rpc':
      return blocking('node', `the node refused: ${error.message}`, 'see the node’s log');
  }
}

function ok(check: string, detail: string): NodeFinding {
  return { level: 'ok', check, detail };
}

function warning(check: string, detail: string, action?: string): NodeFinding {
  return { level: 'warning', check, detail, ...(action === undefined ? {} : { action }) };
}

function blocking(check: string, detail: string, action: string): NodeFinding {
  return { level: 'blocking', check, detail, action };
}
