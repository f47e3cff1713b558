import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Publisher } from 'zeromq';
import type { BitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import { startBitcoindDoorbells } from './bitcoind-doorbells.ts';

/** Only the long poll is used, and it never answers here. */
const silentRpc: BitcoinRpc = {
  call: () => new Promise(() => undefined),
  walletCall: () => new Promise(() => undefined),
  batch: () => new Promise(() => undefined),
  fetchBytes: () => new Promise(() => undefined),
  close: async () => undefined,
};

function counter(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

test('pushes ring, broken ones are passed over, and a jump in their numbers is a gap', async () => {
  const publisher = new Publisher({ linger: 0 });
  await publisher.bind('tcp://127.0.0.1:*');
  const endpoint = publisher.lastEndpoint ?? '';
  const heard: string[] = [];
  const doorbells = startBitcoindDoorbells({
    rpc: silentRpc,
    zmq: { rawtx: endpoint, hashblock: endpoint, sequence: endpoint },
    bells: {
      onTransaction(raw) {
        heard.push(`transaction ${raw.length}`);
        if (raw.length === 9) throw new Error('a handler that fails');
      },
      onBlock: () => heard.push('block'),
      onRemoval: (txid) => heard.push(`removed ${txid.slice(0, 4)}`),
      onGap: (reason) => heard.push(reason),
    },
  });
  const send = (topic: string, body: Uint8Array, number: number) =>
    publisher.send([topic, Buffer.from(body), counter(number)]);
  const removal = Buffer.concat([Buffer.alloc(32, 0xab), Buffer.from('R'), Buffer.alloc(8)]);
  const addition = Buffer.concat([Buffer.alloc(32, 0xab), Buffer.from('A'), Buffer.alloc(8)]);
  // A subscription takes a moment to arrive; until then nothing is sent.
  for (let n = 0; heard.length === 0 && n < 200; n++) {
    await send('hashblock', new Uint8Array(32), 2 ** 32 - 1);
    await sleep(10);
  }
  heard.length = 0;
  await send('rawtx', new Uint8Array(7), 2 ** 32 - 1);
  await send('rawtx', new Uint8Array(8), 0);
  await publisher.send(['rawtx']);
  await send('sequence', removal, 0);
  await send('sequence', addition, 1);
  await send('rawtx', new Uint8Array(5), 3);
  await send('rawtx', new Uint8Array(9), 4);
  await send('rawtx', new Uint8Array(6), 5);
  for (let n = 0; !heard.includes('transaction 6') && n < 300; n++) await sleep(10);
  expect(heard).toEqual([
    'transaction 7',
    'transaction 8',
    'removed abab',
    'rawtx messages 1 to 2 were lost',
    'transaction 5',
    'transaction 9',
    'a message could not be read: Error: a handler that fails',
    'transaction 6',
  ]);
  publisher.close();
  await doorbells.stop();
});
