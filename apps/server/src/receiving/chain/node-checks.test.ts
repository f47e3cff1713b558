import { expect, test } from 'vitest';
import { checkNode, explainRpcError, type NodeFacts } from './node-checks.ts';

const NOW_MS = 1_760_000_000_000;
const healthy: NodeFacts = {
  network: 'mainnet',
  genesisHash: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  blockchainInfo: {
    chain: 'main',
    blocks: 920_000,
    headers: 920_000,
    initialBlockDownload: false,
    pruned: false,
    tipTimeSeconds: NOW_MS / 1_000 - 600,
    warnings: [],
  },
  deployments: ['bip34', 'bip66', 'bip65', 'csv', 'segwit', 'taproot'],
  networkInfo: {
    version: 290_000,
    subversion: '/Satoshi:29.0.0/',
    connections: 10,
    timeOffsetSeconds: 0,
  },
  zmqNotifications: [
    { type: 'pubrawtx', address: 'tcp://0.0.0.0:28332', hwm: 10_000 },
    { type: 'pubhashblock', address: 'tcp://0.0.0.0:28333', hwm: 10_000 },
    { type: 'pubsequence', address: 'tcp://0.0.0.0:28334', hwm: 10_000 },
  ],
  zmqWanted: {
    rawTx: 'tcp://127.0.0.1:28332',
    hashBlock: 'tcp://127.0.0.1:28333',
    sequence: 'tcp://127.0.0.1:28334',
  },
  nowMs: NOW_MS,
};

function info(change: Partial<NodeFacts['blockchainInfo']>): Partial<NodeFacts> {
  return { blockchainInfo: { ...healthy.blockchainInfo, ...change } };
}

function notOk(change: Partial<NodeFacts>) {
  return checkNode({ ...healthy, ...change }).filter(({ level }) => level !== 'ok');
}

test('a healthy node has no complaint', () => {
  expect(notOk({})).toEqual([]);
});

const REGTEST_GENESIS = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';
const HOUR = 3_600;
const cases: [string, Partial<NodeFacts>, 'warning' | 'blocking', string, RegExp][] = [
  ['on another network', { network: 'testnet4' }, 'blocking', 'chain', /on "main".*testnet4/],
  [
    'with a foreign first block',
    { genesisHash: REGTEST_GENESIS },
    'blocking',
    'chain',
    /first block/,
  ],
  [
    'with a rule Bitcoin Core lacks',
    { deployments: ['taproot', 'blake2b'] },
    'blocking',
    'rules',
    /blake2b/,
  ],
  ['too old to tell its rules', { deployments: null }, 'blocking', 'version', /too old/],
  [
    'downloading the chain',
    info({ initialBlockDownload: true, blocks: 5 }),
    'blocking',
    'sync',
    /block 5 of/,
  ],
  ['behind its headers', info({ headers: 920_010 }), 'warning', 'sync', /10 blocks behind/],
  [
    'pruned',
    info({ pruned: true, pruneHeight: 910_000 }),
    'warning',
    'blocks',
    /begins at block 910000/,
  ],
  [
    'pruned below what is needed',
    { ...info({ pruned: true, pruneHeight: 910_000 }), neededFromHeight: 909_999 },
    'blocking',
    'blocks',
    /from 909999 on/,
  ],
  [
    'ahead of our clock',
    info({ tipTimeSeconds: NOW_MS / 1_000 + 3 * HOUR }),
    'blocking',
    'clock',
    /3\.0 h ahead/,
  ],
  [
    'without a block for hours',
    info({ tipTimeSeconds: NOW_MS / 1_000 - 4 * HOUR }),
    'warning',
    'clock',
    /4\.0 h old/,
  ],
  [
    'whose peers have another time',
    { networkInfo: { ...healthy.networkInfo, timeOffsetSeconds: -90 } },
    'warning',
    'clock',
    /-90 s/,
  ],
  [
    'without peers',
    { networkInfo: { ...healthy.networkInfo, connections: 0 } },
    'warning',
    'peers',
    /no peers/,
  ],
  [
    'that does not publish on the port we listen to',
    { zmqWanted: { ...healthy.zmqWanted, sequence: 'tcp://127.0.0.1:9' } },
    'warning',
    'zmq',
    /does not publish pubsequence/,
  ],
  [
    'with a short queue',
    {
      zmqNotifications: healthy.zmqNotifications.map((row) =>
        row.type === 'pubrawtx' ? { ...row, hwm: 1_000 } : row,
      ),
    },
    'warning',
    'zmq',
    /holds 1000 messages/,
  ],
  [
    'with a warning of its own',
    info({ warnings: ['disk space low'] }),
    'warning',
    'node',
    /disk space low/,
  ],
];

test.each(cases)('a node %s is reported', (_name, change, level, check, detail) => {
  const findings = notOk(change);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ level, check, detail: expect.stringMatching(detail) });
});

test('every blocking finding says what to do', () => {
  for (const [, change] of cases) {
    for (const finding of notOk(change)) {
      if (finding.level === 'blocking') expect(finding.action).toMatch(/\w{3}/);
    }
  }
});

test('what is usual on regtest is no complaint: old blocks, no peers, another rule', () => {
  const findings = notOk({
    network: 'regtest',
    genesisHash: REGTEST_GENESIS,
    deployments: ['taproot', 'testdummy', 'blake2b'],
    networkInfo: { ...healthy.networkInfo, connections: 0 },
    ...info({ chain: 'regtest', initialBlockDownload: true, tipTimeSeconds: 1_296_688_602 }),
  });
  expect(findings).toEqual([]);
});

test('endpoints that are not set are advised from what the node publishes', () => {
  const findings = notOk({ zmqWanted: {} });
  expect(findings.map(({ action }) => action)).toContain(
    'set bitcoin.zmqSequence to tcp://0.0.0.0:28334',
  );
});

test('of the failures of a call only those that waiting mends are temporary', () => {
  const kinds = [
    'unreachable',
    'timeout',
    'warming_up',
    'unauthorized',
    'malformed',
    'rpc',
  ] as const;
  const temporary = kinds.filter((kind) => explainRpcError({ kind, message: 'm' }).temporary);
  expect(temporary).toEqual(['unreachable', 'timeout', 'warming_up']);
});
