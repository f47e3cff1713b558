import { toHex } from '@quittance/kernel';
import { Block, Transaction as ReferenceTransaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedError } from './errors.ts';
import { scanBlock, scanTransaction, type TxMatch } from './scanner.ts';
import { witnessScript } from './scripts.ts';
import { realBlocks } from './testing/real-blocks.ts';
import { parseTransaction } from './transaction.ts';
import { OutpointTable, outpointBytes, ScriptTable, type Watch } from './watch-table.ts';

/** Comparing a whole block with bitcoinjs-lib takes seconds on a small machine that is busy. */
const REAL_BLOCK_TIMEOUT_MS = 60_000;

const random = (target: Uint8Array) => target.fill(0x5c);
const blocks = realBlocks();

function emptyWatch(): Watch {
  return { scripts: new ScriptTable({ random }), outpoints: new OutpointTable({ random }) };
}

/** What a match must say, worked out from bitcoinjs-lib's view of the same transaction. */
function expectedMatch(
  transaction: ReferenceTransaction,
  scriptIds: ReadonlyMap<string, number>,
  outpointIds: ReadonlyMap<string, number>,
) {
  const outputs = transaction.outs.flatMap((output, vout) => {
    const scriptId = scriptIds.get(toHex(output.script));
    return scriptId === undefined ? [] : [{ scriptId, vout, valueSats: output.value }];
  });
  const spends = transaction.ins.flatMap((input, vin) => {
    const outpointId = outpointIds.get(toHex(outpointBytes(input.hash, input.index)));
    return outpointId === undefined ? [] : [{ outpointId, vin }];
  });
  return { txid: toHex(transaction.getHash()), outputs, spends };
}

function simplified(match: TxMatch) {
  const outputs = match.outputs.map(({ scriptId, vout, valueSats }) => ({
    scriptId,
    vout,
    valueSats,
  }));
  return { txid: toHex(match.txid), outputs, spends: match.spends };
}

/** Watches each `every`-th script and spent outpoint of a block, numbered. */
function watchSome(block: Block, every: number) {
  const watch = emptyWatch();
  const scriptIds = new Map<string, number>();
  const outpointIds = new Map<string, number>();
  let seen = 0;
  for (const transaction of block.transactions ?? []) {
    for (const output of transaction.outs) {
      if (seen++ % every !== 0 || scriptIds.has(toHex(output.script))) continue;
      scriptIds.set(toHex(output.script), seen);
      watch.scripts.add(output.script, seen);
    }
    for (const input of transaction.ins) {
      if (seen++ % every !== 0) continue;
      const outpoint = outpointBytes(input.hash, input.index);
      outpointIds.set(toHex(outpoint), seen);
      watch.outpoints.add(outpoint, seen);
    }
  }
  return { watch, scriptIds, outpointIds };
}

describe.for(blocks)('$name', { timeout: REAL_BLOCK_TIMEOUT_MS }, ({ raw }) => {
  test(`watching everything or something finds exactly what bitcoinjs-lib finds`, () => {
    const block = Block.fromBuffer(Buffer.from(raw));
    const transactions = block.transactions ?? [];
    for (const every of [1, 97, 5_003]) {
      const { watch, scriptIds, outpointIds } = watchSome(block, every);
      const matches: TxMatch[] = [];
      const { txCount } = scanBlock(raw, watch, (match) => matches.push(match));
      expect(txCount).toBe(transactions.length);
      const expected = transactions
        .map((transaction) => expectedMatch(transaction, scriptIds, outpointIds))
        .filter((match) => match.outputs.length + match.spends.length > 0);
      expect(matches.map(simplified)).toEqual(expected);
      for (const match of matches.slice(0, 50)) {
        const bytes = raw.subarray(match.start, match.end);
        expect(toHex(parseTransaction(bytes).txid)).toBe(toHex(match.txid));
        expect(transactions[match.txIndex]?.getId()).toBe(toHex(match.txid.toReversed()));
        const alone = scanTransaction(bytes, watch);
        expect(alone && simplified(alone)).toEqual(simplified(match));
        for (const output of match.outputs) {
          const script = raw.subarray(output.scriptStart, output.scriptEnd);
          expect(watch.scripts.find(script)).toBe(output.scriptId);
        }
      }
    }
  });

  test(`an outpoint that is added during the scan is found when the block spends it`, () => {
    const block = Block.fromBuffer(Buffer.from(raw));
    const { watch } = watchSome(block, 1);
    const scriptsOnly = { scripts: watch.scripts, outpoints: new OutpointTable({ random }) };
    let found = 0;
    scanBlock(raw, scriptsOnly, (match) => {
      found += match.spends.length;
      for (const { vout } of match.outputs) {
        scriptsOnly.outpoints.add(outpointBytes(match.txid, vout), 1);
      }
    });
    const created = new Set<string>();
    let expected = 0;
    for (const transaction of block.transactions ?? []) {
      for (const input of transaction.ins) {
        if (created.has(toHex(outpointBytes(input.hash, input.index)))) expected += 1;
      }
      transaction.outs.forEach((_, vout) =>
        created.add(toHex(outpointBytes(transaction.getHash(), vout))),
      );
    }
    expect(expected).toBeGreaterThan(0);
    expect(found).toBe(expected);
  });

  test(`flipped bytes end in a result or a MalformedError`, () => {
    const { watch } = watchSome(Block.fromBuffer(Buffer.from(raw)), 5_003);
    fc.assert(
      fc.property(fc.nat({ max: raw.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = raw.slice();
        changed[at] = (changed[at] ?? 0) ^ mask;
        finishesOrRefuses(() => scanBlock(changed, watch, () => {}));
      }),
      { numRuns: 100 },
    );
  });
});

const script = witnessScript(0, new Uint8Array(20).fill(0x42));

/** A payment to `script` that spends `previous`, with or without a witness. */
function payment(previous: Uint8Array, options: { withWitness: boolean }): Uint8Array {
  const transaction = new ReferenceTransaction();
  transaction.addInput(previous, 1, 0xfffffffd);
  transaction.addOutput(Uint8Array.of(0x6a), 0n);
  transaction.addOutput(script, 12_345n);
  if (options.withWitness) transaction.setWitness(0, [new Uint8Array(71).fill(1), script]);
  return new Uint8Array(transaction.toBuffer());
}

/** A block of these transactions; its header is empty, which the scanner does not look at. */
function blockOf(transactions: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from([
    ...new Uint8Array(80),
    transactions.length,
    ...transactions.flatMap((each) => [...each]),
  ]);
}

function finishesOrRefuses(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
  }
}

function watchScript(): Watch {
  const watch = emptyWatch();
  watch.scripts.add(script, 7);
  return watch;
}

test('a payment and its spend in the same block are both found, in order', () => {
  for (const withWitness of [false, true]) {
    const first = payment(new Uint8Array(32).fill(9), { withWitness });
    const second = payment(parseTransaction(first).txid, { withWitness });
    const watch = watchScript();
    const found: string[] = [];
    scanBlock(blockOf([first, second]), watch, (match) => {
      for (const { vin, outpointId } of match.spends) found.push(`spend ${vin} of ${outpointId}`);
      for (const { vout, valueSats, scriptId } of match.outputs) {
        found.push(`${valueSats} sat to ${scriptId}`);
        watch.outpoints.add(outpointBytes(match.txid, vout), match.txIndex + 10);
      }
    });
    expect(found).toEqual(['12345 sat to 7', 'spend 0 of 10', '12345 sat to 7']);
  }
});

test('what touches nothing that is watched gives no match', () => {
  const raw = payment(new Uint8Array(32), { withWitness: true });
  expect(scanTransaction(raw, emptyWatch())).toBeNull();
  expect(scanBlock(blockOf([raw]), emptyWatch(), () => expect.unreachable())).toEqual({
    txCount: 1,
  });
});

test('a transaction that is cut anywhere or followed by anything is malformed', () => {
  for (const withWitness of [false, true]) {
    const raw = payment(new Uint8Array(32).fill(9), { withWitness });
    const block = blockOf([raw, raw]);
    for (const work of [
      parseTransaction,
      (bytes: Uint8Array) => scanTransaction(bytes, watchScript()),
    ]) {
      for (let end = 0; end < raw.length; end++) {
        expect(() => work(raw.subarray(0, end))).toThrow(MalformedError);
      }
      expect(() => work(Uint8Array.of(...raw, 0))).toThrow(MalformedError);
    }
    for (let end = 0; end < block.length; end++) {
      expect(() => scanBlock(block.subarray(0, end), watchScript(), () => {})).toThrow(
        MalformedError,
      );
    }
    expect(() => scanBlock(Uint8Array.of(...block, 0), watchScript(), () => {})).toThrow(
      MalformedError,
    );
  }
});

test('any byte of a payment changed to any other ends in a result or a MalformedError', () => {
  for (const withWitness of [false, true]) {
    const raw = payment(new Uint8Array(32).fill(9), { withWitness });
    const watch = watchScript();
    for (let at = 0; at < raw.length; at++) {
      for (const value of [0, 1, 0x7f, 0xfc, 0xfd, 0xfe, 0xff]) {
        const changed = raw.slice();
        changed[at] = value;
        finishesOrRefuses(() => scanTransaction(changed, watch));
        finishesOrRefuses(() => parseTransaction(changed));
      }
    }
  }
});

test('random bytes end in a result or a MalformedError', () => {
  const watch = watchScript();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      finishesOrRefuses(() => scanBlock(bytes, watch, () => {}));
      finishesOrRefuses(() => scanTransaction(bytes, watch));
      finishesOrRefuses(() => parseTransaction(bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('a count that no buffer can hold is refused at once, whatever its form', () => {
  const head = [2, 0, 0, 0];
  const counts = [
    [0xfc],
    [0xfd, 0xff, 0xff],
    [0xfe, 0xff, 0xff, 0xff, 0xff],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  ];
  for (const count of counts) {
    const transaction = Uint8Array.from([...head, ...count, ...new Uint8Array(60)]);
    expect(() => scanTransaction(transaction, emptyWatch())).toThrow('exceeds');
    const block = Uint8Array.from([...new Uint8Array(80), ...count, ...new Uint8Array(60)]);
    expect(() => scanBlock(block, emptyWatch(), () => {})).toThrow('exceeds');
  }
});

test('a watched output worth more than all bitcoin is malformed', () => {
  const raw = payment(new Uint8Array(32), { withWitness: false });
  const at = raw.length - 4 - script.length - 1 - 8;
  new DataView(raw.buffer, raw.byteOffset).setBigUint64(at, 2_100_000_000_000_001n, true);
  expect(() => scanTransaction(raw, watchScript())).toThrow('exceeds all bitcoin');
  expect(() => parseTransaction(raw)).toThrow('exceeds all bitcoin');
});
