import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complaints, findChromium, launch } from './checkout-browser.ts';
import { BOLT11, fixtures, lightningView, orderView } from './checkout-fixtures.ts';
import { type FixtureServer, startFixtureServer } from './checkout-server.ts';

interface Hands {
  server: FixtureServer;
  context: BrowserContext;
  url: string;
}

const chromium = findChromium();
const TEST_MS = 60_000;
/** What a payer waits for at most (screens: "seen, within a second"). */
const RING_MS = 1_000;
const RINGS = 7;
/** Generous, for a busy machine: these waits are about whether, not how fast. */
const SLOW_MS = 25_000;
/** The page's own refresh is 15 seconds. */
const REFRESH_MS = 25_000;
const COUNT_NOTES = `(() => { window.notes = 0; const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...a) { window.notes++; return start.apply(this, a) } })()`;
const FIRST_TAB_STOPS = [
  'Turn the sound off',
  'QR code: pay',
  'Open in wallet',
  'Copy address',
  'Copy amount in BTC',
  'Copy payment link',
];

let browser: Browser;

beforeAll(async () => {
  if (chromium !== undefined) browser = await launch(chromium);
}, TEST_MS);

afterAll(() => browser?.close());

/** One property: its own server, its own browser profile, an order named "order". */
function property(
  name: string,
  options: BrowserContextOptions,
  check: (hands: Hands) => Promise<void>,
): void {
  test(
    name,
    async () => {
      const server = await startFixtureServer();
      const context = await browser.newContext(options);
      server.views.set('order', orderView());
      try {
        await check({ server, context, url: `${server.baseUrl}/i/order?lang=en` });
      } finally {
        await context.close();
        await server.close();
      }
    },
    TEST_MS,
  );
}

// Alone, because it is about speed.
describe.skipIf(chromium === undefined)('the checkout page when the doorbell rings', () => {
  property('the payer sees the payment within a second', {}, async (hands) => {
    const page = await open(hands);
    await connected(hands, 1);
    const tookMs: number[] = [];
    for (let version = 10; version < 10 + RINGS; version++) {
      const seen = version % 2 === 0;
      const view = fixtures[seen ? 'seen' : 'partial'];
      if (view === undefined) throw new Error('no fixture');
      hands.server.views.set('order', { ...view, version });
      const start = performance.now();
      hands.server.ring('order');
      await becomes(page, seen ? 'Payment seen' : 'Part of it has arrived', SLOW_MS);
      tookMs.push(performance.now() - start);
    }
    const median = tookMs.sort((x, y) => x - y)[Math.floor(RINGS / 2)] ?? Number.NaN;
    console.log(`checkout: ring to screen, median of ${RINGS}: ${Math.round(median)} ms`);
    expect(median).toBeLessThanOrEqual(RING_MS);
  });
});

// One after the other: a browser has one clipboard for all its pages.
describe.skipIf(chromium === undefined)('the checkout page and the clipboard', () => {
  property(
    'every control is reached by Tab, shows its focus, and Enter copies',
    {},
    async (hands) => {
      await hands.context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const page = await open(hands);
      const view = orderView();
      const copies = [view.address, '0.00041235', view.bip21];
      for (const start of FIRST_TAB_STOPS) {
        await page.keyboard.press('Tab');
        const [name, outline] = await page.evaluate<[string, string]>(
          `(() => { const e = document.activeElement, s = getComputedStyle(e);
          return [e.getAttribute('aria-label') ?? e.innerText, s.outlineStyle + ' ' + s.outlineWidth] })()`,
        );
        expect(name).toContain(start);
        expect(outline, name).toBe('solid 3px');
        if (!name.startsWith('Copy')) continue;
        await page.keyboard.press('Enter');
        // Both pass after a moment: they are waited for together.
        const told = page.locator('[role=status]').filter({ hasText: /copied/ });
        await Promise.all([
          page.locator('.copy.done').waitFor(),
          told.waitFor({ state: 'attached' }),
        ]);
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(copies.shift());
        await page.locator('.copy.done').waitFor({ state: 'detached' });
      }
      expect(copies).toEqual([]);
    },
  );

  property('the way to pay is chosen in place, and each has its own code', {}, async (hands) => {
    await hands.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    hands.server.views.set('order', lightningView());
    const page = await open(hands);
    const link = () => page.locator('a.button.main').getAttribute('href');
    const code = () => page.locator('#qr-modules').getAttribute('d');
    expect(await link()).toContain(`lightning=${BOLT11}`);
    const unified = await code();
    await page.getByRole('link', { name: 'Lightning' }).click();
    expect(await link()).toBe(`lightning:${BOLT11}`);
    expect(await code()).not.toBe(unified);
    expect(page.url()).not.toContain('pay=');
    await page.getByRole('button', { name: 'Copy Lightning invoice' }).click();
    await page.locator('.copy.done').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(BOLT11);
    await page.getByRole('link', { name: 'On chain' }).click();
    expect(await link()).not.toContain('lightning');
    // The invoice goes: what is left is the chain, and nothing is offered that is not there.
    hands.server.views.set('order', orderView({ version: 2 }));
    await connected(hands, 1);
    hands.server.ring('order');
    await page.locator('.methods').waitFor({ state: 'detached' });
    expect(await link()).not.toContain('lightning');
  });
});

describe.skipIf(chromium === undefined).concurrent('the checkout page in a payer’s hands', () => {
  property(
    'without script the ways to pay are links',
    { javaScriptEnabled: false },
    async (hands) => {
      hands.server.views.set('order', lightningView());
      const page = await hands.context.newPage();
      await page.goto(hands.url);
      await page.getByRole('link', { name: 'Lightning' }).click();
      const link = page.locator('a.button.main');
      expect(await link.getAttribute('href')).toBe(`lightning:${BOLT11}`);
      expect(await page.locator('.details').innerText()).toContain(BOLT11);
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
    },
  );

  property('where the clipboard is refused, the page says what to do', {}, async (hands) => {
    const page = await open(hands, (tab) =>
      tab.addInitScript(
        `Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false`,
      ),
    );
    await page.locator('.copy').first().click();
    await page.locator('[role=status]', { hasText: 'Press and hold' }).waitFor();
    expect(await page.locator('.copy.done').count()).toBe(0);
  });

  property('the code enlarges on Enter and Escape gives the focus back', {}, async (hands) => {
    const page = await open(hands);
    await page.locator('.qr-button').focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    const box = await page.locator('dialog .qr').boundingBox();
    expect(box?.width).toBeGreaterThan(400);
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.className')).toBe('qr-button');
  });

  property('title, favicon, heading and announcement follow the order', {}, async (hands) => {
    const page = await open(hands);
    const said = complaints(page);
    const icon = await page.locator('link[rel=icon]').getAttribute('href');
    await connected(hands, 1);
    await page.locator('.copy').first().focus();
    change(hands, 'seen');
    hands.server.ring('order');
    await becomes(page, 'Payment seen', SLOW_MS);
    expect(await page.title()).toBe('Payment seen · $25.00 · Alder & Finch Coffee');
    expect(await page.locator('[role=status]').innerText()).toBe('Payment seen');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(await page.locator('.qr-button').count()).toBe(0);
    change(hands, 'paid');
    hands.server.ring('order');
    await becomes(page, 'Paid', SLOW_MS);
    expect(await page.locator('link[rel=icon]').getAttribute('href')).not.toBe(icon);
    expect(said).toEqual([]);
  });

  property('one-socket-per-order: several tabs of one order all follow it', {}, async (hands) => {
    const tabs = [await open(hands), await open(hands), await open(hands)];
    await connected(hands, tabs.length);
    change(hands, 'confirming');
    hands.server.ring('order');
    await Promise.all(tabs.map((tab) => becomes(tab, 'Confirming payment', SLOW_MS)));
  });

  property('a part payment gets a new code for the rest', {}, async (hands) => {
    const page = await open(hands);
    const before = await page.locator('#qr-modules').getAttribute('d');
    await connected(hands, 1);
    change(hands, 'partial');
    hands.server.ring('order');
    await becomes(page, 'Part of it has arrived', SLOW_MS);
    expect(await page.locator('#qr-modules').getAttribute('d')).not.toBe(before);
    expect(await page.locator('a.button.main').getAttribute('href')).toContain('0.00015235');
    expect(await page.locator('.price').innerText()).toMatch(/^0\.00015235\sBTC$/);
  });

  property('without a socket the page asks by itself', {}, async (hands) => {
    hands.server.refuseSockets(true);
    const page = await open(hands);
    change(hands, 'seen');
    await becomes(page, 'Payment seen', SLOW_MS);
    change(hands, 'confirming');
    await becomes(page, 'Confirming payment', SLOW_MS);
  });

  property(
    'offline is said, the price stays, and the page resumes by itself',
    {},
    async (hands) => {
      const page = await open(hands);
      await connected(hands, 1);
      await hands.context.setOffline(true);
      await page.locator('.offline').waitFor();
      expect(await page.locator('.price').innerText()).toBe('$25.00');
      change(hands, 'paid');
      await hands.context.setOffline(false);
      await becomes(page, 'Paid', SLOW_MS);
      expect(await page.locator('.offline').count()).toBe(0);
    },
  );

  property('a server that is away is told, and found again', {}, async (hands) => {
    const page = await open(hands);
    await connected(hands, 1);
    hands.server.fail(true);
    await page.locator('.offline').waitFor({ timeout: SLOW_MS });
    hands.server.fail(false);
    await page.locator('.offline').waitFor({ state: 'detached', timeout: SLOW_MS });
  });

  property('the countdown follows the server’s clock, to the expired screen', {}, async (hands) => {
    // Longer than a busy machine takes to open the page.
    const leftMs = 12_000;
    const expiresAt = new Date(Date.now() + leftMs).toISOString();
    hands.server.realTime.add('order');
    hands.server.views.set('order', orderView({ expiresAt }));
    const wrong = new Date('2031-01-01T00:00:00Z');
    const page = await open(hands, (tab) => tab.clock.install({ time: wrong }));
    expect(await page.locator('.time').innerText()).toMatch(/^0:(0[0-9]|1[0-2]) left$/);
    await becomes(page, 'This order has expired', leftMs + SLOW_MS);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expect(await page.locator('.qr-button').count()).toBe(0);
  });

  for (const [when, gesture, notes] of [
    ['not before a gesture', undefined, 0],
    ['after a gesture', '.price', 2],
    ['not when it is turned off', '.quiet', 0],
  ] as const) {
    property(`the chime sounds ${when}`, {}, async (hands) => {
      const page = await open(hands, (tab) => tab.addInitScript(COUNT_NOTES));
      await connected(hands, 1);
      if (gesture !== undefined) await page.locator(gesture).click();
      change(hands, 'seen');
      hands.server.ring('order');
      await becomes(page, 'Payment seen', SLOW_MS);
      expect(await page.evaluate('window.notes')).toBe(notes);
    });
  }

  property(
    'without JavaScript everything is there and the page refreshes itself',
    { javaScriptEnabled: false },
    async (hands) => {
      const page = await open(hands);
      expect(await page.locator('.address').innerText()).toContain('bc1q');
      expect(await page.locator('.time').innerText()).toBe('14:32 left');
      expect(await page.locator('.copies').isVisible()).toBe(false);
      expect(await page.locator('a.button.main').getAttribute('href')).toMatch(/^bitcoin:/);
      change(hands, 'confirming');
      await becomes(page, 'Confirming payment', REFRESH_MS);
      expect(page.url()).toContain('lang=en');
      change(hands, 'paid');
      await page.reload();
      expect(await page.content()).not.toContain('http-equiv="refresh"');
    },
  );
});

async function open(
  { context, url }: Hands,
  prepare: (page: Page) => Promise<unknown> = async () => {},
): Promise<Page> {
  const page = await context.newPage();
  await prepare(page);
  await page.goto(url);
  return page;
}

async function becomes(page: Page, title: string, timeoutMs: number): Promise<void> {
  await page.locator('h1', { hasText: title }).waitFor({ timeout: timeoutMs });
}

async function connected({ server }: Hands, count: number): Promise<void> {
  const end = performance.now() + SLOW_MS;
  while (server.openSockets() !== count && performance.now() < end) await sleep(20);
  expect(server.openSockets()).toBe(count);
}

/** The order moves on to the state of a fixture. */
function change({ server }: Hands, fixture: string): void {
  const view = fixtures[fixture];
  if (view === undefined) throw new Error(`no fixture ${fixture}`);
  server.views.set('order', view);
}
