import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Regtest, startRegtest } from '../../../../../tests/support/regtest.ts';
import { createBitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import { deploymentNames, inspectNode } from './node-facts.ts';

const question = { network: 'regtest', zmqWanted: {}, nowMs: Date.now() } as const;

let regtest: Regtest;
beforeAll(async () => {
  regtest = await startRegtest();
});
afterAll(() => regtest.stop());

test('a real regtest node has no blocking finding', async () => {
  const findings = await inspectNode(regtest.rpc, question);
  expect(findings.filter(({ level }) => level === 'blocking')).toEqual([]);
  expect(findings.map(({ check }) => check)).toContain('rules');
});

test('a real node on another chain than configured is refused', async () => {
  const findings = await inspectNode(regtest.rpc, { ...question, network: 'mainnet' });
  expect(findings).toMatchObject([{ level: 'blocking', check: 'chain' }]);
});

test('a wrong password is told apart from a node that is not there', async () => {
  const wrong = createBitcoinRpc({ url: regtest.node.rpcUrl, user: 'x', password: 'hunter2' });
  const [refused] = await inspectNode(wrong, question);
  expect(refused?.action).toContain('rpcPassword');
  expect(JSON.stringify(refused)).not.toContain('hunter2');
  await wrong.close();
  const nobody = createBitcoinRpc({ url: 'http://127.0.0.1:9', user: 'x', password: 'x' });
  expect(await inspectNode(nobody, question)).toMatchObject([{ temporary: true, check: 'node' }]);
  await nobody.close();
});

test('rule changes are found under `deployments` and beside it', () => {
  // The shape of a node whose mainnet rules leave Bitcoin Core's at a planned height.
  const names = deploymentNames({
    hash: '00',
    height: 0,
    script_flags: ['TAPROOT'],
    deployments: { taproot: { type: 'bip9' }, reduced_data: { type: 'flagday', active: false } },
    blake2b: { height: 961_640, active: false },
  });
  expect(names).toEqual(['taproot', 'reduced_data', 'blake2b']);
});
