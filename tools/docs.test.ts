import { expect, test } from 'vitest';
import { brokenReferences } from './docs.ts';

const paths = [
  'README.md',
  'docs/a.md',
  'apps/server/src/x/order.ts',
  'apps/server/src/y/order.ts',
];
const broken = (text: string, path = 'docs/a.md') => brokenReferences([{ path, text }], paths);

test('what is there leads somewhere: files, folders, headings, names by their last parts', () => {
  expect(
    broken(
      [
        '# Its own `Name`, with a comma',
        '[a](../README.md) [b](../apps/server/) [c](#its-own-name-with-a-comma) [d](https://x.test/y)',
        '`order.ts` `x/order.ts` `apps/server/src/{x,y}/order.ts` `apps/server/src/x` `POST /v1/x.ts`',
      ].join('\n'),
    ),
  ).toEqual([]);
});

test('a link to a file or heading that is not there is found with its line, so is a name', () => {
  expect(broken('\n[a](b.md)')).toEqual(['docs/a.md:2: b.md']);
  expect(broken('[a](#none)')).toEqual(['docs/a.md:1: #none']);
  expect(broken('`z/order.ts` and `gone.ts`')).toEqual([
    'docs/a.md:1: z/order.ts',
    'docs/a.md:1: gone.ts',
  ]);
  expect(broken('`x/{order,gone}.ts`')).toEqual(['docs/a.md:1: x/gone.ts']);
  expect(broken('`apps/server/src/z`')).toEqual(['docs/a.md:1: apps/server/src/z']);
});
