import type { PullView } from '@quittance/contract';
import { expect, test } from 'vitest';
import { renderPullPage } from './page.ts';
import { en } from './strings/en.ts';
import { pullMessagesOf } from './strings/index.ts';

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test.each(Object.entries(pullMessagesOf))(
  '%s says everything that English says, with the same placeholders',
  (_, messages) => {
    expect(Object.keys(messages)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(messages)) {
      expect(text.trim(), key).not.toBe('');
      expect(placeholders(text), key).toEqual(placeholders(en[key as keyof typeof en]));
    }
  },
);

const view: PullView = {
  screen: 'open',
  store: { name: '<b>Books</b>', logoUrl: null, color: null },
  network: 'regtest',
  name: 'Expenses & more',
  description: null,
  limit: { amount: '250.00', currency: 'EUR' },
  remaining: { amount: '120.50', currency: 'EUR' },
  period: 'month',
  periodEnd: '2026-04-01T00:00:00.000Z',
  startsAt: '2026-03-01T00:00:00.000Z',
  expiresAt: null,
  links: { scan: 'LNURL1SCAN', here: 'LNURL1HERE' },
  draws: [{ amountMsat: '12345678', state: 'paid', at: '2026-03-02T10:00:00.000Z' }],
};
const options = { locale: 'en', styleUrl: '/s.css', nonce: 'n', path: '/pull/x' } as const;

test('the page shows what is left, a code, a link for this device, and what was taken', () => {
  const html = renderPullPage(view, options);
  expect(html).toContain('€120.50');
  expect(html).toContain('of €250.00 each month');
  expect(html).toContain('href="lightning:LNURL1HERE"');
  expect(html).toContain('role="img"');
  expect(html).toContain('0.00012346');
  expect(html).not.toContain('<b>Books');
  expect(html).not.toContain('http-equiv="refresh"');
});

test('where nothing can be drawn there is no code and no link', () => {
  for (const screen of ['empty', 'expired', 'archived', 'not_approved', 'not_started'] as const) {
    const html = renderPullPage({ ...view, screen, links: null }, options);
    expect(html).not.toContain('lightning:');
    expect(html).toContain(en[`${screen}Title`].replaceAll('’', '’'));
  }
});

test('while a draw is under way the page loads itself again', () => {
  const open = { amountMsat: '1', state: 'open', at: view.startsAt } as const;
  expect(renderPullPage({ ...view, draws: [open] }, options)).toContain('http-equiv="refresh"');
});
