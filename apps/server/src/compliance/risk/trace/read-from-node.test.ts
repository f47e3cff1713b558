import { expect, test } from 'vitest';
import { type BatchCall, BitcoinRpcError } from '../../../platform/bitcoin-node/index.ts';
import { readFromNode } from './read-from-node.ts';

const BLOCK = 'b'.repeat(64);
const MAKER = 'a'.repeat(64);
const OWN = 'c'.repeat(64);
/** The first of BIP173's own addresses. */
const SCRIPT = '0014751e76e8199196d454941c45d1b3a323f1433bd6';
const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
/** One input, one output, no witness. */
const RAW = `02000000${'01'}${MAKER}00000000${'00'}ffffffff${'01'}e803000000000000${'16'}${SCRIPT}00000000`;

const answers: Record<string, unknown> = {
  getblockhash: BLOCK,
  getblockheader: { height: 100 },
  gettxout: {
    bestblock: BLOCK,
    confirmations: 11,
    value: '0.00002000',
    scriptPubKey: { hex: SCRIPT },
  },
  getrawtransaction: {
    hex: RAW,
    confirmations: 11,
    blocktime: 60,
    vin: [
      {
        ...{ txid: MAKER, vout: 0 },
        prevout: { height: 80, value: '0.00002000', scriptPubKey: { hex: SCRIPT } },
      },
    ],
  },
};

/** A reader over a node that gives these answers, and the requests that it was sent. */
function reader(given: Record<string, unknown> = answers) {
  const requests: string[][] = [];
  const read = readFromNode({
    network: 'regtest',
    readRecord: () => Promise.resolve(new Map()),
    node: {
      batch(calls: readonly BatchCall[]) {
        requests.push(calls.map(({ method }) => method));
        return Promise.resolve(
          calls.map(({ method }) => ({ ok: true as const, result: given[method] })),
        );
      },
    },
  });
  return { read, requests };
}

const input = { txid: MAKER, vout: 0, address: ADDRESS, valueSats: 2_000n };

test('of a payment on record only the coins are asked for, and it is told as the node tells it', async () => {
  const { read, requests } = reader();
  const raw = Buffer.from(RAW, 'hex');
  const [own] = await read([{ txid: OWN, height: null, raw }]);
  expect(requests).toEqual([['gettxout'], ['getblockheader']]);
  expect(own).toMatchObject({
    ok: true,
    transaction: {
      ...{ txid: OWN, height: null, timeMs: null, isCoinbase: false },
      inputs: [{ ...input, height: 90 }],
      outputs: [{ valueSats: 1_000n }],
    },
  });
});

test('what is deep in the chain is asked for twice and then known', async () => {
  const { read, requests } = reader();
  const wanted = [{ txid: OWN, height: 90 }];
  const first = await read(wanted);
  expect(requests).toEqual([['getblockhash'], ['getrawtransaction']]);
  expect(first).toMatchObject([
    {
      ok: true,
      transaction: { height: 90, timeMs: 60_000, inputs: [{ ...input, height: 80 }] },
    },
  ]);
  expect(await read(wanted)).toEqual(first);
  expect(requests).toHaveLength(4);
  expect(await read(wanted)).toEqual(first);
  expect(requests).toHaveLength(4);
});

test('an answer of another shape is refused, never read as less than there is', async () => {
  const whole = answers['getrawtransaction'];
  for (const changed of [
    { hex: 'zz' },
    { hex: undefined },
    { hex: `${RAW}0` },
    { vin: undefined },
    { vin: [null] },
    { vin: [{ txid: 5, vout: 0 }] },
    { vin: [{ txid: MAKER, vout: 0, prevout: null }] },
    {
      vin: [{ txid: MAKER, vout: 0, prevout: { height: 1, value: '1', scriptPubKey: null } }],
    },
    { confirmations: 'many' },
    { blocktime: 0.5 },
  ]) {
    const { read } = reader({ ...answers, getrawtransaction: { ...Object(whole), ...changed } });
    const asked = read([{ txid: OWN, height: 90 }]);
    await expect(asked, JSON.stringify(changed)).rejects.toThrow(BitcoinRpcError);
  }
});

test('however many blocks came before, the height of a coin is known', async () => {
  const given = { ...answers };
  const { read } = reader(given);
  const raw = Buffer.from(RAW, 'hex');
  // Each block twice, so that whatever is forgotten of the earlier ones, the second time is known.
  const tips = Array.from({ length: 500 }, (_, n) => Math.floor(n / 2));
  for (const n of tips) {
    const bestblock = n.toString(16).padStart(64, '0');
    given['gettxout'] = { ...Object(answers['gettxout']), bestblock };
    const [own] = await read([{ txid: OWN, height: null, raw }]);
    expect(own).toMatchObject({ ok: true, transaction: { inputs: [{ ...input, height: 90 }] } });
  }
});
