import { expect, test } from 'vitest';
import { createGate } from './gate.ts';
import type { LogStore } from './log-store.ts';

/** A disk that takes its time, and remembers what is on it. */
function slowStore() {
  const staged = new Map<string, string>();
  const disk = new Map<string, string>();
  let failing = false;
  const store: LogStore = {
    get: () => null,
    put: (key, value) => void staged.set(key, Buffer.from(value).toString()),
    remove: (key) => void staged.delete(key),
    keys: () => [],
    get hasStaged() {
      return staged.size > 0;
    },
    async commit() {
      const taken = [...staged];
      staged.clear();
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (failing) throw new Error('the disk is full');
      for (const [key, value] of taken) disk.set(key, value);
    },
    close: () => Promise.resolve(),
  };
  return {
    ...{ store, disk },
    put: (value: string) => store.put('state', Buffer.from(value)),
    fail() {
      failing = true;
    },
  };
}

test('nothing is let out before the state that it follows from is on the disk', async () => {
  const { store, disk, put } = slowStore();
  const gate = createGate({
    store,
    snapshot: () => {},
    onFailure: (error) => expect(error).toBe(0),
  });
  const seen: (string | undefined)[] = [];
  for (let i = 0; i < 20; i++) {
    put(String(i));
    gate.after(() => seen.push(disk.get('state')));
    gate.flush();
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await gate.drained();
  expect(seen).toHaveLength(20);
  for (const [i, state] of seen.entries()) expect(Number(state)).toBeGreaterThanOrEqual(i);
});

test('the snapshot is taken in the same commit as what is staged before it', async () => {
  const { store, disk, put } = slowStore();
  let memory = 'old';
  const gate = createGate({
    store,
    snapshot: (hasStaged) => {
      if (hasStaged) store.put('memory', Buffer.from(memory));
    },
    onFailure: (error) => expect(error).toBe(0),
  });
  put('one');
  memory = 'new';
  let found: string | undefined;
  gate.after(() => {
    found = disk.get('memory');
  });
  await gate.drained();
  expect(found).toBe('new');
});

test('an effect that stages and asks for more is followed to its end', async () => {
  const { store, disk, put } = slowStore();
  const gate = createGate({
    store,
    snapshot: () => {},
    onFailure: (error) => expect(error).toBe(0),
  });
  put('first');
  gate.after(() => {
    put('second');
    gate.after(() => put('third'));
  });
  await gate.drained();
  expect(disk.get('state')).toBe('third');
});

test('when a commit fails nothing is let out', async () => {
  const { store, put, fail } = slowStore();
  const failures: unknown[] = [];
  let isOut = false;
  const gate = createGate({
    store,
    snapshot: () => {},
    onFailure: (error) => failures.push(error),
  });
  fail();
  put('lost');
  gate.after(() => {
    isOut = true;
  });
  await gate.drained();
  expect(failures).toHaveLength(1);
  expect(isOut).toBe(false);
});
