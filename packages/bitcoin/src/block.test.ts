import { fromHex, toHex } from '@quittance/kernel';
import { Block } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProofOfWork, HEADER_BYTES, parseHeader } from './block-header.ts';
import { MalformedError } from './errors.ts';
import { blockTxids, checkMerkleRoot, merkleRoot } from './merkle.ts';
import { networks } from './networks.ts';
import { realBlocks, realHeaders } from './testing/real-blocks.ts';
import { displayHash, parseHash, parseTransaction } from './transaction.ts';

/** Comparing a whole block with bitcoinjs-lib takes seconds on a small machine that is busy. */
const REAL_BLOCK_TIMEOUT_MS = 60_000;

const blocks = realBlocks();
const headers = realHeaders();

/** The first block of testnet 4, as BIP94 prints it. */
const TESTNET4_GENESIS =
  '0100000000000000000000000000000000000000000000000000000000000000000000004e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a046f3566ffff001dbb0c78170101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff5504ffff001d01044c4c30332f4d61792f323032342030303030303030303030303030303030303030303165626435386332343439373062336161396437383362623030313031316662653865613865393865303065ffffffff0100f2052a010000002321000000000000000000000000000000000000000000000000000000000000000000ac00000000';

test('BIP94: the first block of testnet 4 has its hash, root and proof of work', () => {
  const raw = fromHex(TESTNET4_GENESIS);
  const header = parseHeader(raw);
  expect(displayHash(header.hash)).toBe(networks.testnet4.genesisHash);
  expect(header.time).toBe(1_714_777_860);
  expect(checkMerkleRoot(raw)).toBe(true);
  expect(checkProofOfWork(header, 'testnet4')).toBe(true);
});

describe.for(blocks)('$name', { timeout: REAL_BLOCK_TIMEOUT_MS }, ({ raw }) => {
  test(`root and work are right, and every transaction reads as bitcoinjs-lib reads it`, () => {
    const block = Block.fromBuffer(Buffer.from(raw));
    expect(checkMerkleRoot(raw)).toBe(true);
    expect(checkProofOfWork(parseHeader(raw), 'mainnet')).toBe(true);
    expect(displayHash(parseHeader(raw).hash)).toBe(block.getId());
    const txids = blockTxids(raw);
    expect(txids.length).toBe(block.transactions?.length);
    (block.transactions ?? []).forEach((expected, index) => {
      const parsed = parseTransaction(new Uint8Array(expected.toBuffer()));
      expect(toHex(parsed.txid)).toBe(toHex(expected.getHash()));
      expect(toHex(txids[index] ?? new Uint8Array())).toBe(toHex(parsed.txid));
      // For a coinbase bitcoinjs-lib answers the zero hash that BIP141 puts in the witness tree.
      if (!expected.isCoinbase()) expect(toHex(parsed.wtxid)).toBe(toHex(expected.getHash(true)));
      expect(parsed.vsize).toBe(expected.virtualSize());
      expect(parsed.version).toBe(expected.version);
      expect(parsed.locktime).toBe(expected.locktime);
      expect(
        parsed.inputs.map((each) => [toHex(each.prevTxid), each.prevVout, each.sequence]),
      ).toEqual(expected.ins.map((each) => [toHex(each.hash), each.index, each.sequence]));
      expect(parsed.outputs.map((each) => [each.valueSats, toHex(each.script)])).toEqual(
        expected.outs.map((each) => [each.value, toHex(each.script)]),
      );
    });
  });

  test(`another root, or a changed coinbase, is refused`, () => {
    // The root, and the version of the first transaction.
    const coinbaseAt = HEADER_BYTES + (raw[HEADER_BYTES] === 0xfd ? 3 : 1);
    for (const at of [36, 67, coinbaseAt]) {
      const changed = raw.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(checkMerkleRoot(changed)).toBe(false);
    }
  });
});

test('real headers link, and each has its proof of work', () => {
  if (headers === null) return;
  let previous = new Uint8Array(32);
  for (let at = 0; at < headers.length; at += HEADER_BYTES) {
    const header = parseHeader(headers.subarray(at, at + HEADER_BYTES));
    expect(toHex(header.prevHash)).toBe(toHex(previous));
    expect(checkProofOfWork(header, 'mainnet')).toBe(true);
    if (at === 0) expect(displayHash(header.hash)).toBe(networks.mainnet.genesisHash);
    previous = Uint8Array.from(header.hash);
  }
});

test('a header without its work, or with a target that its network does not allow, is refused', () => {
  const raw = fromHex(TESTNET4_GENESIS).subarray(0, HEADER_BYTES);
  const changed = Uint8Array.from(raw);
  changed[76] = (changed[76] ?? 0) ^ 1;
  expect(checkProofOfWork(parseHeader(changed))).toBe(false);
  const easy = { hash: new Uint8Array(32), bits: networks.regtest.powLimitBits };
  expect(checkProofOfWork(easy)).toBe(true);
  expect(checkProofOfWork(easy, 'regtest')).toBe(true);
  expect(checkProofOfWork(easy, 'mainnet')).toBe(false);
  for (const bits of [0, 0x1d800001, 0x23000001, 0xff7fffff, 0x01000001, 0x02000001]) {
    expect(checkProofOfWork({ hash: new Uint8Array(32).fill(0, 0, 31), bits })).toBe(false);
  }
  expect(() => parseHeader(raw.subarray(1))).toThrow(MalformedError);
});

test('CVE-2012-2459: a block that repeats its last transactions under the same root is refused', () => {
  const raw = fromHex(TESTNET4_GENESIS);
  const coinbase = raw.subarray(HEADER_BYTES + 1);
  const transactions = [0, 1, 2].map((locktime) => {
    const changed = Uint8Array.from(coinbase);
    changed[changed.length - 1] = locktime;
    return changed;
  });
  const txids = transactions.map((each) => parseTransaction(each).txid);
  const root = merkleRoot(txids) ?? new Uint8Array();
  const block = (list: readonly Uint8Array[]) => {
    const header = raw.slice(0, HEADER_BYTES);
    header.set(root, 36);
    return Uint8Array.from([...header, list.length, ...list.flatMap((each) => [...each])]);
  };
  expect(checkMerkleRoot(block(transactions))).toBe(true);
  expect(checkMerkleRoot(block([...transactions, ...transactions.slice(2)]))).toBe(false);
  expect(checkMerkleRoot(block(transactions.slice(0, 2)))).toBe(false);
  expect(checkMerkleRoot(block(transactions.toReversed()))).toBe(false);
});

test('a displayed hash reads back, and nothing else is read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (hash) => {
      expect(parseHash(displayHash(hash))).toEqual(hash);
      expect(displayHash(hash)).toBe(toHex(hash.toReversed()));
    }),
  );
  for (const text of ['', '00', 'AB'.repeat(32), 'g0'.repeat(32), '00'.repeat(33)]) {
    expect(() => parseHash(text)).toThrow('64');
  }
});
