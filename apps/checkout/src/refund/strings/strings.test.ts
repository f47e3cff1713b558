import { expect, test } from 'vitest';
import { en } from './en.ts';
import { refundMessagesOf } from './index.ts';

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test.each(Object.entries(refundMessagesOf))(
  '%s says everything that English says, with the same placeholders',
  (_, messages) => {
    expect(Object.keys(messages)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(messages)) {
      expect(text.trim(), key).not.toBe('');
      expect(placeholders(text), key).toEqual(placeholders(en[key as keyof typeof en]));
    }
  },
);
