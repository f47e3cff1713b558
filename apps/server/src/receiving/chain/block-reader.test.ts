import { expect, test } from 'vitest';
import { createBlockReader } from './block-reader.ts';

/** A source whose answers come when the test lets them. */
function heldSource() {
  const asked: string[] = [];
  const answers = new Map<string, { resolve(raw: Uint8Array): void; reject(error: Error): void }>();
  return {
    asked,
    answer: (hash: string) => answers.get(hash)?.resolve(new TextEncoder().encode(hash)),
    fail: (hash: string) => answers.get(hash)?.reject(new Error(`no ${hash}`)),
    source: {
      rawBlock(hash: string): Promise<Uint8Array> {
        asked.push(hash);
        return new Promise((resolve, reject) => answers.set(hash, { resolve, reject }));
      },
    },
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const texts = (raws: Uint8Array[]) => raws.map((raw) => new TextDecoder().decode(raw));

test('blocks come in the order of their hashes, whatever the order of the answers', async () => {
  const { source, answer } = heldSource();
  const read = createBlockReader(source).read(['a', 'b', 'c']);
  for (const hash of ['c', 'a', 'b']) answer(hash);
  expect(texts(await read)).toEqual(['a', 'b', 'c']);
});

test('no more than four blocks are asked for at a time', async () => {
  const { source, asked, answer } = heldSource();
  const read = createBlockReader(source).read(['a', 'b', 'c', 'd', 'e', 'f']);
  await settle();
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
  answer('b');
  await settle();
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'e']);
  for (const hash of ['a', 'c', 'd', 'e']) answer(hash);
  await settle();
  answer('f');
  expect(texts(await read)).toHaveLength(6);
});

test('a block that was read ahead is not asked for twice, and one that is not wanted goes', async () => {
  const { source, asked, answer } = heldSource();
  const reader = createBlockReader(source);
  reader.readAhead(['a', 'x']);
  await settle();
  for (const hash of ['a', 'x']) answer(hash);
  expect(texts(await reader.read(['a']))).toEqual(['a']);
  expect(asked).toEqual(['a', 'x']);
  const again = reader.read(['x']);
  await settle();
  expect(asked).toEqual(['a', 'x', 'x']);
  answer('x');
  await again;
});

test('a failure while reading ahead is told to the reader once, and the next attempt asks anew', async () => {
  const { source, asked, answer, fail } = heldSource();
  const reader = createBlockReader(source);
  reader.readAhead(['a']);
  fail('a');
  await settle();
  await expect(reader.read(['a'])).rejects.toThrow('no a');
  const again = reader.read(['a']);
  await settle();
  answer('a');
  expect(texts(await again)).toEqual(['a']);
  expect(asked).toEqual(['a', 'a']);
});
