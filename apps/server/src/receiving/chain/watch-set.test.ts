import { outpointBytes, parseHash } from '@quittance/bitcoin';
import { expect, test } from 'vitest';
import type { Database, Tx } from '../../platform/db/index.ts';
import { loadWatchSet } from './watch-set.ts';

const random = (target: Uint8Array) => target.fill(0x5c);
const scriptOf = (index: number) => Uint8Array.of(0, 20, ...new Uint8Array(20).fill(index));
const coin = (vout: number) => ({ txid: 'ab'.repeat(32), vout });
const bytesOf = ({ txid, vout }: { txid: string; vout: number }) =>
  outpointBytes(parseHash(txid), vout);

/** Has no coins but those that the test gives it. */
function keeper() {
  return {
    pages: [] as Uint8Array[][],
    record: () => Promise.resolve(),
    refresh: () => Promise.resolve(),
    async *unspent() {
      yield* this.pages;
    },
  };
}

/** A database of one wallet, whose readings of what is derived can be held up. */
function database() {
  const state = {
    derivedThrough: 0,
    spends: [] as number[],
    gate: Promise.resolve(),
    coins: keeper(),
  };
  const rowsOf = async (text: string, values: readonly unknown[]): Promise<unknown[]> => {
    if (text.includes('chain_spend')) {
      return state.spends.map((vout) => ({
        prev_txid: Buffer.from(parseHash(coin(vout).txid)),
        prev_vout: BigInt(vout),
      }));
    }
    if (text.includes('FROM address')) {
      const from = Number(values.find((value) => typeof value === 'number'));
      const indexes = Array.from({ length: state.derivedThrough - from }, (_, i) => from + 1 + i);
      return indexes.map((index) => ({ id: index, index, script: scriptOf(index) }));
    }
    const { derivedThrough } = state;
    await state.gate;
    return [{ id: 'wallet', derived_through: derivedThrough }];
  };
  // Only reading is asked of it, and the rows have the columns that the statements name.
  const tx = { query: rowsOf } as unknown as Tx;
  const asSystem: Database['asSystem'] = (work) => work(tx);
  return { state, database: { asSystem } as Database };
}

test('an address derived before a refresh is known after it, though an older reading is under way', async () => {
  const { state, database: db } = database();
  const watch = await loadWatchSet(db, { random, coins: state.coins });
  let release: () => void = () => undefined;
  state.gate = new Promise((resolve) => {
    release = resolve;
  });
  const older = watch.refresh();
  await new Promise((resolve) => setImmediate(resolve));
  state.derivedThrough = 3;
  const newer = watch.refresh();
  release();
  await newer;
  expect(watch.scripts.find(scriptOf(3))).toBeGreaterThanOrEqual(0);
  await older;
});

test('a reading that failed does not spoil the next one', async () => {
  const { state, database: db } = database();
  const watch = await loadWatchSet(db, { random, coins: state.coins });
  state.gate = Promise.reject(new Error('no database'));
  await expect(watch.refresh()).rejects.toThrow('no database');
  state.gate = Promise.resolve();
  state.derivedThrough = 1;
  await watch.refresh();
  expect(watch.scripts.find(scriptOf(1))).toBeGreaterThanOrEqual(0);
});

test('only a coin that was not watched before, and forgetting, make earlier scans stale', async () => {
  const { state, database: db } = database();
  const watch = await loadWatchSet(db, { random, coins: state.coins });
  const has = (vout: number) =>
    watch.outpoints.findAt(new DataView(bytesOf(coin(vout)).buffer), 0) >= 0;
  const before = watch.spendsVersion;
  watch.watchMade([coin(0)]);
  expect(watch.spendsVersion).toBe(before);
  watch.watchSpends([coin(1)]);
  const after = watch.spendsVersion;
  expect(after).not.toBe(before);
  watch.watchSpends([coin(0), coin(1)]);
  await watch.tidy();
  expect(watch.spendsVersion).toBe(after);
  expect([has(0), has(1)]).toEqual([true, true]);
  // So many that tidying pays; what was scanned ahead counts on coins that are forgotten now.
  watch.watchMade(Array.from({ length: 60_000 }, (_, vout) => coin(vout)));
  state.spends = [2];
  state.coins.pages = [[bytesOf(coin(3))], [bytesOf(coin(4))]];
  await watch.tidy();
  expect([0, 1, 2, 3, 4].map(has)).toEqual([false, false, true, true, true]);
  expect(watch.spendsVersion).not.toBe(after);
});
