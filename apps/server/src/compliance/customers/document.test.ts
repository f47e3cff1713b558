import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mediaTypeOf } from './document.ts';
import { scriptOf } from './profile.ts';

test('a file is what its first bytes say, whatever follows, and everything else is nothing', () => {
  const types = {
    'application/pdf': '%PDF-1.7',
    'image/png': '\x89PNG\r\n\x1a\n',
    'image/jpeg': '\xff\xd8\xff\xe0',
    'image/webp': 'RIFF\x10\x00\x00\x00WEBPVP8 ',
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (rest) => {
      for (const [type, head] of Object.entries(types)) {
        expect(mediaTypeOf(Buffer.concat([Buffer.from(head, 'latin1'), rest]))).toBe(type);
        const shifted = Buffer.concat([Buffer.from(' '), Buffer.from(head, 'latin1'), rest]);
        expect(mediaTypeOf(shifted)).toBeNull();
      }
    }),
  );
  for (const text of [
    '',
    '<svg',
    '<html><script>',
    'MZ\x90',
    'PK\x03\x04',
    'RIFF1234AVI ',
    'GIF89a',
  ]) {
    expect(mediaTypeOf(Buffer.from(text, 'latin1')), text).toBeNull();
  }
});

test('the script of a name is that of most of its letters', () => {
  expect(
    [
      'Anna',
      'Дмитрий Иванов',
      'محمد علي',
      '習近平',
      '김정은',
      'ひらがな',
      'Νίκος',
      '123',
      'Ли (Lee)',
      '王 Wang',
    ].map(scriptOf),
  ).toEqual(['Latn', 'Cyrl', 'Arab', 'Hani', 'Hang', 'Hira', 'Grek', 'Zyyy', 'Latn', 'Latn']);
});
