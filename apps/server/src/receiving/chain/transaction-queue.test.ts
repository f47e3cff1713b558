import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTransactionQueue } from './transaction-queue.ts';

const LIMITS = {
  waiting: { transactions: 5, bytes: 40 },
  recent: { transactions: 3, bytes: 20 },
};

test('mempool-flood: what waits comes out once and in order, or is let go with a word; all is bounded', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -6, max: 15 }), { maxLength: 200 }), (steps) => {
      let overflows = 0;
      let model: Uint8Array[] = [];
      const queue = createTransactionQueue(() => {
        overflows += 1;
        model = [];
      }, LIMITS);
      for (const [at, step] of steps.entries()) {
        if (step > 0) {
          const raw = new Uint8Array(step).fill(at);
          const before = overflows;
          queue.push(raw, at);
          if (overflows === before) model.push(raw);
        } else {
          expect(queue.take(-step).map(({ raw }) => raw)).toEqual(model.splice(0, -step));
        }
        expect(queue.length).toBe(model.length);
        expect(queue.length).toBeLessThanOrEqual(5);
        expect(queue.recent().length).toBeLessThanOrEqual(3);
        const size = queue.recent().reduce((sum, { raw }) => sum + raw.length, 0);
        expect(size).toBeLessThanOrEqual(20);
      }
    }),
  );
});

test('what was taken last is there to be scanned again', () => {
  const queue = createTransactionQueue(() => undefined, LIMITS);
  for (let i = 1; i <= 5; i++) queue.push(Uint8Array.of(i), i);
  queue.take(2);
  queue.take(2);
  expect(queue.recent().map(({ seenAtMs }) => seenAtMs)).toEqual([2, 3, 4]);
});
