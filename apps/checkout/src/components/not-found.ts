import { h, type ComponentChild } from 'preact';
import type { Messages } from '../strings/en.ts';

export function NotFound({ messages }: { messages: Messages }): ComponentChild {
  return h(
    'div',
    { class: 'sheet tone-neutral' },
    h(
      'main',
      { class: 'state alone' },
      h('h1', null, messages.notFoundTitle),
      h('p', { class: 'body' }, messages.notFoundBody),
    ),
  );
}
