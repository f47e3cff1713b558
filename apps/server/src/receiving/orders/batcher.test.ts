import { expect, test } from 'vitest';
import { AppError } from '../../platform/errors.ts';
import { createBatcher } from './batcher.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what is asked for together is committed together, each key for itself, answers in order', async () => {
  const batches: string[] = [];
  const submit = createBatcher<string, number, string>(async (key, items) => {
    batches.push(`${key} ${items.join(',')}`);
    await turn();
    return items.map((item) => `${key}${item}`);
  });
  const first = [submit('a', 1), submit('a', 2), submit('b', 3)];
  await turn();
  const later = [submit('a', 4), submit('a', 5)];
  expect(await Promise.all([...first, ...later])).toEqual(['a1', 'a2', 'b3', 'a4', 'a5']);
  expect(batches).toEqual(['a 1,2', 'b 3', 'a 4,5']);
});

test('one bad item fails alone', async () => {
  const submit = createBatcher<string, number, number>(async (_, items) => {
    if (items.includes(2)) throw new Error('two is bad');
    return items.map((item) => item * 10);
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => submit('a', item)));
  expect(results).toMatchObject([
    { value: 10 },
    { reason: { message: 'two is bad' } },
    { value: 30 },
  ]);
});

test('without a database all hear of it at once', async () => {
  let commits = 0;
  const submit = createBatcher<string, number, number>(async () => {
    commits += 1;
    throw new AppError('database_unavailable', 'gone');
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => submit('a', item)));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(commits).toBe(1);
});

test('the crowd that may wait is bounded, and a batch has its size', async () => {
  const sizes: number[] = [];
  const submit = createBatcher<string, number, number>(async (_, items) => {
    sizes.push(items.length);
    await turn();
    return [...items];
  });
  const results = await Promise.allSettled(Array.from({ length: 5_100 }, (_, i) => submit('a', i)));
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused).toHaveLength(100);
  expect(refused[0]).toMatchObject({ reason: { code: 'rate_limited', retryAfterSeconds: 5 } });
  expect(Math.max(...sizes)).toBe(200);
});
