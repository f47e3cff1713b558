import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLabels, type Label, parseLabels } from './bip329.ts';

const txid = 'f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''));

const label = fc
  .record({
    about: fc.oneof(
      hex(64).map((ref) => ({ type: 'tx' as const, ref })),
      fc.tuple(hex(64), fc.nat(9_999)).map(([id, vout]) => ({
        type: 'output' as const,
        ref: `${id}:${vout}`,
      })),
      hex(64).map((ref) => ({ type: 'pubkey' as const, ref: `02${ref}` })),
    ),
    label: fc.option(fc.string(), { nil: undefined }),
    spendable: fc.option(fc.boolean(), { nil: undefined }),
    other: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => !KNOWN.has(name)),
      fc.jsonValue(),
    ),
  })
  .map(({ about, label: text, spendable, other }): Label => {
    // -0 has no form of its own in JSON.
    const plain: Record<string, unknown> = JSON.parse(JSON.stringify(other));
    return {
      ...about,
      ...(text === undefined ? {} : { label: text }),
      ...(spendable === undefined ? {} : { spendable }),
      other: plain,
    };
  });

const KNOWN = new Set(['type', 'ref', 'label', 'origin', 'spendable']);

test('labels survive being written and read, fields that are not known too', () => {
  fc.assert(
    fc.property(fc.array(label), (labels) => {
      expect(parseLabels(formatLabels(labels))).toEqual({ labels, errors: [] });
    }),
  );
});

test('a line that is wrong is told with its number and does not keep the others out', () => {
  const text = [
    `{"type":"tx","ref":"${txid}","label":"Rent","origin":"wpkh([d34db33f/84h/0h/0h])"}`,
    '',
    'not JSON',
    '{"type":"fish","ref":"x"}',
    '{"type":"tx"}',
    '{"type":"tx","ref":"1234"}',
    `{"type":"output","ref":"${txid}:1","spendable":"no"}`,
    `{"type":"addr","ref":"bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c","label":7}`,
    '[1]',
    `{"type":"output","ref":"${txid.toUpperCase()}:1","spendable":false}\r`,
  ].join('\n');
  const { labels, errors } = parseLabels(text);
  expect(labels.map(({ type, ref }) => `${type} ${ref}`)).toEqual([
    `tx ${txid}`,
    `output ${txid}:1`,
  ]);
  expect(errors.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9]);
});

test("BIP329's own examples of each type are read", () => {
  const text = [
    `{"type":"tx","ref":"${txid}","label":"Transaction","origin":"wpkh([d34db33f/84'/0'/0'])"}`,
    '{"type":"addr","ref":"bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c","label":"Address"}',
    '{"type":"pubkey","ref":"0283409659355b6d1cc3c32decd5d561abaac86c37a353b52895a5e6c196d6f448","label":"Public Key"}',
    `{"type":"input","ref":"${txid}:0","label":"Input"}`,
    `{"type":"output","ref":"${txid}:1","label":"Output","spendable":false}`,
    '{"type":"xpub","ref":"xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8","label":"Extended Public Key"}',
  ].join('\n');
  const { labels, errors } = parseLabels(text);
  expect(errors).toEqual([]);
  expect(labels.map(({ type }) => type)).toEqual([
    'tx',
    'addr',
    'pubkey',
    'input',
    'output',
    'xpub',
  ]);
  expect(formatLabels(labels).trimEnd()).toBe(text);
});
