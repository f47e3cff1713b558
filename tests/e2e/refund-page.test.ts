import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  buildAssets,
  chooseLocale,
  refundSecurityPolicy,
  renderRefundPage,
  renderRefundUnknownPage,
} from '@quittance/checkout';
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
import { refundFixtures } from './refund-fixtures.ts';

/** The claim page has a script of its own, a tenth of what the order's page may weigh. */
const MAX_SCRIPT_BYTES = 2_500;
const TEST_MS = 180_000;

const chromium = findChromium();
const assets = buildAssets();

test('the claim page’s own script is small', async () => {
  const { refundScript } = await assets;
  const bytes = gzipSync(refundScript.body).length;
  console.log(`refund script ${bytes} B gzip`);
  expect(bytes).toBeLessThanOrEqual(MAX_SCRIPT_BYTES);
});

describe.skipIf(chromium === undefined)('every screen, language, size and theme', () => {
  let server: Server;
  let baseUrl: string;
  let browser: Browser;
  let folder: string;
  const posted: string[] = [];

  beforeAll(async () => {
    const { refundScript, style } = await assets;
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://fixture');
      const send = (type: string, body: string, status = 200) =>
        response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
      if (url.pathname === '/r.js') return send('text/javascript', refundScript.body);
      if (url.pathname === '/r.css') return send('text/css', style.body);
      if (request.method === 'POST') {
        let body = '';
        request.on('data', (part: Buffer) => (body += part.toString()));
        // Slow, so that an impatient second click comes while the first is under way.
        request.on('end', () => setTimeout(() => send('text/html', 'thanks'), 500));
        request.on('end', () => posted.push(body));
        return undefined;
      }
      const fixture = refundFixtures[url.pathname.split('/')[2] ?? ''];
      const locale = chooseLocale(undefined, url.searchParams.get('lang') ?? undefined);
      if (fixture === undefined) {
        return send('text/html', renderRefundUnknownPage(locale, '/r.css'), 404);
      }
      const nonce = randomBytes(16).toString('base64');
      const policy = refundSecurityPolicy(fixture.view.store.logoUrl, nonce);
      response.setHeader('content-security-policy', policy);
      const options = {
        ...{ locale, nonce, path: url.pathname },
        assets: { scriptUrl: '/r.js', styleUrl: '/r.css' },
        ...(fixture.step === undefined ? {} : { step: fixture.step }),
      };
      return send('text/html', renderRefundPage(fixture.view, options));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launch(chromium ?? '');
    folder = await screenshotFolder();
    console.log(`screenshots: ${folder}`);
  }, TEST_MS);

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  for (const [size, options] of Object.entries(SIZES)) {
    test.concurrent(
      `on a ${size}: no accessibility violation, no sideways scrolling, nothing on the console`,
      async () => {
        const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
        const page = await context.newPage();
        const said = complaints(page);
        for (const name of Object.keys(refundFixtures)) {
          for (const language of LANGUAGES) {
            await page.goto(`${baseUrl}/refund/${name}?lang=${language}`);
            await checkThemes(page, `refund-${name}-${language}-${size}`);
            if (size === 'phone') expect(await smallTargets(page), name).toEqual([]);
          }
        }
        await page.goto(`${baseUrl}/refund/nowhere`);
        said.splice(0, said.length, ...said.filter((text) => !text.includes('404')));
        await checkThemes(page, `refund-unknown-en-${size}`);
        expect(said).toEqual([]);
        await context.close();
      },
      TEST_MS,
    );
  }

  test('with the keyboard alone an address is put in, checked and sent', async () => {
    const page = await browser.newPage();
    await page.goto(`${baseUrl}/refund/open`);
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('address');
    await page.keyboard.type('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4');
    posted.length = 0;
    await page.keyboard.press('Enter');
    await expect.poll(() => posted.length).toBe(1);
    expect(new URLSearchParams(posted[0]).get('step')).toBe('check');
    expect(new URLSearchParams(posted[0]).get('address')).toContain('bc1qw508');

    await page.goto(`${baseUrl}/refund/check`);
    await page.keyboard.press('Tab');
    const button = page.locator('button:focus');
    // Whoever presses it has read how much goes where.
    expect(await button.innerText()).toContain('0.00041235');
    expect(await button.innerText()).toContain('bc1p5d7r');
    await page.close();
  });

  test('an impatient second click sends nothing twice', async () => {
    const page = await browser.newPage();
    await page.goto(`${baseUrl}/refund/check`);
    posted.length = 0;
    await page.locator('button.main').dblclick({ noWaitAfter: true });
    await page.waitForURL(/check/);
    await expect.poll(() => posted.length).toBe(1);
    await page.waitForTimeout(800);
    expect(posted).toHaveLength(1);
    expect(new URLSearchParams(posted[0]).get('step')).toBe('claim');
    await page.close();
  });

  test('what is wrong is tied to its field, said at once and in the title', async () => {
    const page = await browser.newPage();
    await page.goto(`${baseUrl}/refund/wrong-address`);
    const field = page.locator('#address');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await field.getAttribute('aria-describedby')).toContain('address-problem');
    expect(await focused(page)).toBe('address');
    expect(await page.locator('#address-problem').innerText()).toContain('bc1');
    expect(await page.title()).toMatch(/^Please correct/);
    await page.close();
  });

  test('without a script everything is there but the copy button', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${baseUrl}/refund/proof`);
    expect(await page.locator('[data-copy]').isVisible()).toBe(false);
    expect(await page.locator('#message').innerText()).toContain('I receive the refund');
    await page.locator('#address').fill('bc1q');
    posted.length = 0;
    await page.locator('button.main').click();
    expect(new URLSearchParams(posted[0]).get('step')).toBe('check');
    await context.close();
  });

  async function checkThemes(page: Page, name: string): Promise<void> {
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      expect(await violations(page), `${name} ${theme}`).toEqual([]);
      await page.screenshot({ path: join(folder, `${name}-${theme}.png`), fullPage: true });
    }
    const [content, window] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    expect(content, `${name} scrolls sideways`).toBeLessThanOrEqual(window);
  }
});

function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement?.id ?? ""');
}

/** Links, buttons and fields smaller than 44 × 44 CSS pixels. */
async function smallTargets(page: Page): Promise<string[]> {
  const small: string[] = [];
  for (const target of await page.locator('a:visible, button:visible, input:visible').all()) {
    const box = await target.boundingBox();
    if (box === null || (box.width >= 44 && box.height >= 44)) continue;
    small.push(`${(await target.innerText()).trim()} ${box.width}×${box.height}`);
  }
  return small;
}
