import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildAssets } from '@quittance/checkout';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  complaints,
  findChromium,
  LANGUAGES,
  launch,
  screenshotFolder,
  SIZES,
  THEMES,
  violations,
} from './checkout-browser.ts';
import { fixtures, orderView } from './checkout-fixtures.ts';
import { type FixtureServer, startFixtureServer } from './checkout-server.ts';

/** What a page may cost on a phone's network (issue: "≤ 25 kB of compressed script"). */
const MAX_SCRIPT_BYTES = 25_000;
/** Usually 20 to 60 seconds for 190 pages; a busy machine must not make it fail. */
const TEST_MS = 400_000;

const withLightning = ['waiting-lightning', 'partial-lightning', 'waiting-lightning?pay=lightning'];

const chromium = findChromium();

test('the compressed script stays within its budget', async () => {
  const { script, style } = await buildAssets();
  const bytes = gzipSync(script.body).length;
  console.log(`checkout script ${bytes} B gzip, style ${gzipSync(style.body).length} B gzip`);
  expect(bytes).toBeLessThanOrEqual(MAX_SCRIPT_BYTES);
});

describe.skipIf(chromium === undefined)('every screen, language, size and theme', () => {
  let server: FixtureServer;
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    server = await startFixtureServer();
    for (const [name, view] of Object.entries(fixtures)) server.views.set(name, view);
    browser = await launch(chromium ?? '');
    folder = await screenshotFolder();
    console.log(`screenshots: ${folder}`);
  }, TEST_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const [size, options] of Object.entries(SIZES)) {
    test.concurrent(
      `on a ${size}: no accessibility violation, no sideways scrolling, nothing on the console`,
      async () => {
        const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
        const page = await context.newPage();
        const said = complaints(page);
        for (const name of Object.keys(fixtures)) {
          for (const language of LANGUAGES) {
            await page.goto(`${server.baseUrl}/i/${name}?lang=${language}`);
            await checkThemes(page, `${name}-${language}-${size}`);
          }
        }
        for (const method of ['onchain', 'lightning']) {
          await page.goto(`${server.baseUrl}/i/waiting-lightning?pay=${method}`);
          await checkThemes(page, `waiting-by-${method}-en-${size}`);
        }
        await page.goto(`${server.baseUrl}/i/overpaid/receipt`);
        await checkThemes(page, `receipt-en-${size}`);
        await page.goto(`${server.baseUrl}/i/paid-lightning/receipt`);
        await checkThemes(page, `receipt-lightning-en-${size}`);
        await page.goto(`${server.baseUrl}/i/unknown`);
        // The browser itself notes the 404; it is what is wanted here.
        said.splice(0, said.length, ...said.filter((text) => !text.includes('404')));
        await checkThemes(page, `not-found-en-${size}`);
        expect(said).toEqual([]);
        await context.close();
      },
      TEST_MS,
    );
  }

  test('on a phone all that paying takes is above the fold, in reach of a thumb', async () => {
    const context = await browser.newContext(SIZES.phone);
    const page = await context.newPage();
    const height = SIZES.phone.viewport.height;
    server.views.set('testnet', orderView({ network: 'signet' }));
    for (const name of ['waiting', 'partial', 'testnet', ...withLightning]) {
      await page.goto(`${server.baseUrl}/i/${name}`);
      for (const selector of ['.qr-button', 'a.button.main', '.copies', '.time', '.amount']) {
        expect(await bottomOf(page, selector), `${name} ${selector}`).toBeLessThanOrEqual(height);
      }
    }
    for (const name of Object.keys(fixtures)) {
      await page.goto(`${server.baseUrl}/i/${name}`);
      const [main] = await page.locator('a.button.main').all();
      if (main === undefined) continue;
      expect(await bottomOf(page, 'a.button.main'), name).toBeLessThanOrEqual(height);
      expect(await smallTargets(page), name).toEqual([]);
    }
    await context.close();
  });

  test('the receipt prints every amount and transaction whole', async () => {
    const page = await browser.newPage();
    await page.goto(`${server.baseUrl}/i/overpaid/receipt`);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const text = await page.locator('body').innerText();
    for (const { txid } of fixtures.overpaid?.payments ?? []) expect(text).toContain(txid);
    expect(text).toContain(fixtures.overpaid?.orderId);
    expect(text).toContain('$25.00');
    expect(await page.locator('.actions').isVisible()).toBe(false);
    await page.screenshot({ path: join(folder, 'receipt-en-print.png'), fullPage: true });
    await page.close();
  });

  async function checkThemes(page: Page, name: string): Promise<void> {
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      expect(await violations(page), `${name} ${theme}`).toEqual([]);
      await page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
    }
    const [content, window] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    expect(content, `${name} scrolls sideways`).toBeLessThanOrEqual(window);
  }
});

async function bottomOf(page: Page, selector: string): Promise<number> {
  const box = await page.locator(selector).first().boundingBox();
  return box === null ? Number.POSITIVE_INFINITY : box.y + box.height;
}

/** Links and buttons smaller than 44 × 44 CSS pixels. */
async function smallTargets(page: Page): Promise<string[]> {
  const small: string[] = [];
  for (const target of await page.locator('a:visible, button:visible').all()) {
    const box = await target.boundingBox();
    if (box === null || (box.width >= 44 && box.height >= 44)) continue;
    small.push(`${(await target.innerText()).trim()} ${box.width}×${box.height}`);
  }
  return small;
}
