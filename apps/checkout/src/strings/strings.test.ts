import { expect, test } from 'vitest';
import { en } from './en.ts';
import { messagesOf } from './index.ts';

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test.each(Object.entries(messagesOf))(
  '%s says everything that English says, with the same placeholders',
  (_, messages) => {
    expect(Object.keys(messages)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(messages)) {
      expect(text.trim(), key).not.toBe('');
      expect(placeholders(text), key).toEqual(placeholders(en[key as keyof typeof en]));
    }
  },
);

test('the name that assistive technology reads contains the words that are seen', () => {
  // WCAG 2.2, 2.5.3: people who speak their commands say what they see.
  for (const messages of Object.values(messagesOf)) {
    for (const what of ['Address', 'Amount', 'Link'] as const) {
      const label = messages[`copy${what}Label`].toLowerCase();
      expect(label).toContain(messages[`copy${what}`].toLowerCase());
    }
  }
});
