import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LogStore, openLogStore } from './log-store.ts';

let folder = '';
const file = () => join(folder, 'state.log');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quittance-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const keys = ['a', 'b', 'c/1', 'c/2'];
const step = fc.record({
  key: fc.constantFrom(...keys),
  value: fc.option(fc.uint8Array({ maxLength: 40 })),
});
const commits = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

const stateOf = (store: LogStore) =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = store.get(key);
      return value === null ? [] : [[key, Buffer.from(value).toString('hex')]];
    }),
  );

async function play(history: readonly (readonly { key: string; value: Uint8Array | null }[])[]) {
  const store = openLogStore(folder);
  const states = [{ size: 0, state: stateOf(store) }];
  for (const commit of history) {
    for (const { key, value } of commit) {
      if (value === null) store.remove(key);
      else store.put(key, value);
    }
    await store.commit();
    states.push({ size: statSync(file()).size, state: stateOf(store) });
  }
  await store.close();
  return states;
}

test('a log that ends anywhere holds exactly the commits that were whole', async () => {
  await fc.assert(
    fc.asyncProperty(commits, fc.nat(), async (history, cut) => {
      rmSync(file(), { force: true });
      const states = await play(history);
      const size = states.at(-1)?.size ?? 0;
      const end = size === 0 ? 0 : cut % (size + 1);
      if (size > 0) truncateSync(file(), end);
      const store = openLogStore(folder);
      const whole = states.findLast((each) => each.size <= end);
      expect(stateOf(store)).toEqual(whole?.state);
      // What was torn is gone, so that the next commit follows what is whole.
      store.put('a', Uint8Array.of(7));
      await store.commit();
      await store.close();
      const again = openLogStore(folder);
      expect(stateOf(again)).toEqual({ ...whole?.state, a: '07' });
    }),
    { numRuns: 60 },
  );
});

test('a byte that was changed before the end is refused, never read over', async () => {
  await play([
    [{ key: 'a', value: Uint8Array.of(1, 2, 3) }],
    [{ key: 'b', value: Uint8Array.of(4) }],
  ]);
  const bytes = readFileSync(file());
  bytes.writeUInt8(bytes.readUInt8(45) ^ 1, 45);
  writeFileSync(file(), bytes);
  expect(() => openLogStore(folder)).toThrow(/damaged at byte 0/);
});

test('zeros after the end, as a power cut may leave them, are cut off', async () => {
  await play([[{ key: 'a', value: Uint8Array.of(1) }]]);
  writeFileSync(file(), Buffer.concat([readFileSync(file()), Buffer.alloc(100)]));
  expect(stateOf(openLogStore(folder))).toEqual({ a: '01' });
});

test('what is staged is seen by reads and lists, and is not on the disk before the commit', async () => {
  const store = openLogStore(folder);
  store.put('c/1', Uint8Array.of(1));
  store.put('c/2', Uint8Array.of(2));
  store.remove('c/2');
  expect(store.keys('c/')).toEqual(['c/1']);
  expect(store.hasStaged).toBe(true);
  expect(stateOf(openLogStore(folder))).toEqual({});
  await store.commit();
  expect(stateOf(openLogStore(folder))).toEqual({ 'c/1': '01' });
  await store.close();
});
