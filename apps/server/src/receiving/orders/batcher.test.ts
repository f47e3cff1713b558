import { expect, test } from 'vitest';
import { AppError } from '../../platform/errors.ts';
import { createBatcher } from './batcher.ts';

const lost = new AppError('database_unavailable', 'The database is away.');
const isOfAll = (error: unknown) => error === lost;

test('a lost database fails the whole batch with one try, since its commit may have been done', async () => {
  const sizes: number[] = [];
  const submit = createBatcher<string, number, number>(
    async (_, items) => {
      sizes.push(items.length);
      throw lost;
    },
    { isOfAll },
  );
  const results = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => submit('a', i)));
  expect(sizes).toEqual([200]);
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: lost });
});

test('one bad item does not fail its neighbours', async () => {
  const submit = createBatcher<string, number, number>(
    async (_, items) => {
      if (items.includes(3)) throw new Error('three');
      return items.map((item) => item * 2);
    },
    { isOfAll },
  );
  const results = await Promise.allSettled([1, 2, 3, 4].map((item) => submit('a', item)));
  expect(results.map((each) => (each.status === 'fulfilled' ? each.value : null))).toEqual([
    2,
    4,
    null,
    8,
  ]);
});

test('a database that is lost while items are tried alone is not asked for each of the rest', async () => {
  let tries = 0;
  const submit = createBatcher<string, number, number>(
    async (_, items) => {
      if (items.length > 1) throw new Error('one of them is bad');
      tries += 1;
      if (items.includes(2)) throw lost;
      return [...items];
    },
    { isOfAll },
  );
  const results = await Promise.allSettled([1, 2, 3, 4].map((item) => submit('a', item)));
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'rejected',
  ]);
  expect(tries).toBe(2);
});

test('beyond the limit of waiting items the answer is overloaded at once, and room comes back', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const submit = createBatcher<string, number, number>(
    async (_, items) => {
      await gate;
      return [...items];
    },
    { isOfAll, maxWaiting: 5 },
  );
  const waiting = ['a', 'b', 'a', 'b', 'c'].map((key, i) => submit(key, i));
  await expect(submit('a', 9)).rejects.toMatchObject({
    code: 'overloaded',
    status: 503,
    retryAfterSeconds: 1,
  });
  release();
  expect(await Promise.all(waiting)).toEqual([0, 1, 2, 3, 4]);
  expect(await submit('a', 9)).toBe(9);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what is asked for together is committed together, each key for itself, answers in order', async () => {
  const batches: string[] = [];
  const submit = createBatcher<string, number, string>(
    async (key, items) => {
      batches.push(`${key} ${items.join(',')}`);
      await turn();
      return items.map((item) => `${key}${item}`);
    },
    { isOfAll },
  );
  const first = [submit('a', 1), submit('a', 2), submit('b', 3)];
  await turn();
  const later = [submit('a', 4), submit('a', 5)];
  expect(await Promise.all([...first, ...later])).toEqual(['a1', 'a2', 'b3', 'a4', 'a5']);
  expect(batches).toEqual(['a 1,2', 'b 3', 'a 4,5']);
});

test('the crowd of one key that may wait is bounded, and a batch has its size', async () => {
  const sizes: number[] = [];
  const submit = createBatcher<string, number, number>(
    async (_, items) => {
      sizes.push(items.length);
      await turn();
      return [...items];
    },
    { isOfAll },
  );
  const results = await Promise.allSettled(Array.from({ length: 5_100 }, (_, i) => submit('a', i)));
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused).toHaveLength(100);
  expect(refused[0]).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 1 } });
  expect(Math.max(...sizes)).toBe(200);
});
