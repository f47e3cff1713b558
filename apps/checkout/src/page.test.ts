import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fixtureView } from './fixture.ts';
import { locales } from './locale.ts';
import {
  contentSecurityPolicy,
  type PageOptions,
  renderCheckoutPage,
  renderNotFoundPage,
  renderReceiptPage,
} from './page.ts';

const options: PageOptions = {
  locale: 'en',
  assets: { scriptUrl: '/checkout/main.1.js', styleUrl: '/checkout/main.2.css' },
  nonce: 'bm9uY2U=',
  paths: {
    page: '/i/1',
    view: '/i/1/view',
    receipt: '/i/1/receipt',
    socket: '/ws/payment?orderId=1',
  },
};
const hostile = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '</script><script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</title><script>alert(1)</script>',
    '<!--<script>',
    '\u2028\u2029',
  ),
);
const SCRIPTS = /<script[^>]*>/g;

test('nothing that a store writes becomes markup', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, (name, description, source) => {
      const view = fixtureView({
        store: { name: name === '' ? 'x' : name, logoUrl: null, color: null },
        description,
        rate: { currency: 'USD', pricePerBtc: '1', source, at: fixtureView().createdAt },
      });
      for (const render of [renderCheckoutPage, renderReceiptPage]) {
        const html = render(view, options);
        expect(html.match(SCRIPTS)).toHaveLength(2);
        expect(html).not.toContain('<img');
        const json = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(html)?.[1];
        expect(JSON.parse(json ?? '').view).toEqual(view);
      }
    }),
  );
});

test('a link that is not http never becomes a link', () => {
  const view = fixtureView({
    status: 'CONFIRMED',
    redirectUrl: 'javascript:alert(1)',
    explorerTxUrl: 'javascript:{txid}',
    store: { name: 'x', logoUrl: 'data:text/html,x', color: null },
    bip21: 'javascript:alert(2)',
  });
  for (const status of ['CONFIRMED', 'PENDING'] as const) {
    const html = renderCheckoutPage({ ...view, status }, options);
    expect(html).not.toMatch(/(href|src)="(javascript|data:text)/);
  }
});

test('no inline style or handler, and every inline script and style carries the nonce', () => {
  for (const locale of locales) {
    const html = renderCheckoutPage(fixtureView(), { ...options, locale });
    expect(html).not.toMatch(/ style="| on[a-z]+="/);
    for (const tag of html.match(/<(style|script type="module")[^>]*>/g) ?? []) {
      expect(tag).toContain('nonce="bm9uY2U="');
    }
  }
});

test('an open order refreshes itself without script, a settled one and a receipt do not', () => {
  const refresh = '<meta http-equiv="refresh" content="15">';
  expect(renderCheckoutPage(fixtureView(), options)).toContain(refresh);
  const paid = fixtureView({ status: 'CONFIRMED' });
  expect(renderCheckoutPage(paid, options)).not.toContain('http-equiv');
  expect(renderReceiptPage(fixtureView(), options)).not.toContain('http-equiv');
});

test('a receipt of an order that is not paid says so', () => {
  expect(renderReceiptPage(fixtureView(), options)).toContain(
    '<p class="note">This payment is not complete yet',
  );
  const paid = fixtureView({ status: 'CONFIRMED' });
  expect(renderReceiptPage(paid, options)).not.toContain(
    '<p class="note">This payment is not complete yet',
  );
});

test('the page of an unknown order tells nothing but that, in each language', () => {
  for (const locale of locales) {
    const html = renderNotFoundPage(locale, '/checkout/main.2.css');
    expect(html).toContain(`lang="${locale}"`);
    expect(html).not.toMatch(SCRIPTS);
  }
});

test('the policy allows the logo’s host and no other', () => {
  const store = { name: 'x', logoUrl: 'https://cdn.example/a.png', color: null };
  expect(contentSecurityPolicy(fixtureView({ store }), 'n')).toContain(
    "img-src 'self' data: https://cdn.example;",
  );
  expect(contentSecurityPolicy(null, 'n')).toContain("img-src 'self' data:;");
});
