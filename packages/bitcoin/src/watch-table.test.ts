import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OutpointTable, outpointBytes, ScriptTable } from './watch-table.ts';

const seeds = [0, 1, 0xff, 0x5a];

type Step = { do: 'add' | 'delete' | 'find'; key: number; id: number };
const steps = fc.array(
  fc.record({
    do: fc.constantFrom<Step['do']>('add', 'add', 'delete', 'find'),
    key: fc.nat({ max: 150 }),
    id: fc.integer({ min: 0, max: 0xffffffff }),
  }),
  { maxLength: 600 },
);

interface Table {
  readonly size: number;
  add(key: Uint8Array, id: number): boolean;
  find(key: Uint8Array): number;
  delete(key: Uint8Array): boolean;
}

/** Runs the steps on a table and on a Map, which must agree on every answer. */
function compareWithMap(table: Table, keyOf: (key: number) => Uint8Array, run: readonly Step[]) {
  const model = new Map<number, number>();
  for (const step of run) {
    const key = keyOf(step.key);
    if (step.do === 'find') expect(table.find(key)).toBe(model.get(step.key) ?? -1);
    if (step.do === 'delete') expect(table.delete(key)).toBe(model.delete(step.key));
    if (step.do === 'add') {
      expect(table.add(key, step.id)).toBe(!model.has(step.key));
      if (!model.has(step.key)) model.set(step.key, step.id);
    }
    expect(table.size).toBe(model.size);
  }
  for (let key = 0; key <= 150; key++) expect(table.find(keyOf(key))).toBe(model.get(key) ?? -1);
}

/** Scripts of 0 to 40 bytes which often share their beginning. */
function scriptOf(key: number): Uint8Array {
  const script = new Uint8Array(key === 0 ? 0 : 1 + (key % 40)).fill(7);
  if (script.length > 0) script[script.length - 1] = Math.floor(key / 40);
  return script;
}

test('a script table answers like a map, whatever is added and deleted', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(...seeds), (run, seed) => {
      const table = new ScriptTable({ random: (target) => target.fill(seed) });
      compareWithMap(table, scriptOf, run);
    }),
    { numRuns: 60 },
  );
});

test('an outpoint table answers like a map, whatever is added and deleted', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(...seeds), (run, seed) => {
      const table = new OutpointTable({ random: (target) => target.fill(seed) });
      const keyOf = (key: number) =>
        outpointBytes(new Uint8Array(32).fill(Math.floor(key / 3)), key % 3);
      compareWithMap(table, keyOf, run);
    }),
    { numRuns: 60 },
  );
});

test('tables keep every entry while they grow from nothing', () => {
  const scripts = new ScriptTable({ random: (target) => target.fill(3) });
  const outpoints = new OutpointTable({ random: (target) => target.fill(3) });
  const count = 20_000;
  const key = (i: number) => {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(28, i);
    return bytes;
  };
  for (let i = 0; i < count; i++) {
    scripts.add(key(i), i);
    outpoints.add(outpointBytes(key(i), i), count - i);
  }
  for (let i = 0; i < count; i++) {
    expect(scripts.find(key(i))).toBe(i);
    expect(outpoints.find(outpointBytes(key(i), i))).toBe(count - i);
    expect(outpoints.find(outpointBytes(key(i), i + 1))).toBe(-1);
  }
  expect(scripts.find(key(count))).toBe(-1);
  expect(scripts.memoryBytes()).toBeLessThan(count * 140);
  expect(outpoints.memoryBytes()).toBeLessThan(count * 140);
});

test('coming and going entries do not make the tables grow', () => {
  const scripts = new ScriptTable({ random: (target) => target.fill(9) });
  const outpoints = new OutpointTable({ random: (target) => target.fill(9) });
  const key = (i: number) => {
    const bytes = new Uint8Array(34);
    new DataView(bytes.buffer).setUint32(20, i);
    return bytes;
  };
  const memory: number[] = [];
  for (let i = 0; i < 60_000; i++) {
    scripts.add(key(i), i);
    outpoints.add(outpointBytes(key(i).subarray(2), 0), i);
    if (i >= 500) {
      expect(scripts.delete(key(i - 500))).toBe(true);
      expect(outpoints.delete(outpointBytes(key(i - 500).subarray(2), 0))).toBe(true);
    }
    if (i === 5_000 || i === 59_999) memory.push(scripts.memoryBytes() + outpoints.memoryBytes());
  }
  expect(scripts.size).toBe(500);
  expect(scripts.find(key(59_999))).toBe(59_999);
  expect(scripts.find(key(0))).toBe(-1);
  expect(memory[1]).toBeLessThanOrEqual((memory[0] ?? 0) * 2);
});

test('keys and ids that cannot be are bugs that are caught', () => {
  const scripts = new ScriptTable({ random: (target) => target });
  const outpoints = new OutpointTable({ random: (target) => target });
  expect(() => scripts.add(new Uint8Array(10_001), 1)).toThrow('too long');
  expect(() => scripts.add(new Uint8Array(22), -1)).toThrow('id');
  expect(() => scripts.add(new Uint8Array(22), 2 ** 32)).toThrow('id');
  expect(() => outpoints.add(new Uint8Array(35), 1)).toThrow('36');
  expect(() => outpointBytes(new Uint8Array(32), -1)).toThrow('vout');
});
