import { accessSync, constants, mkdtempSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What every page is looked at in. */
export const LANGUAGES = ['en', 'zh-CN', 'zh-TW'] as const;
export const THEMES = ['light', 'dark'] as const;
export const SIZES = {
  phone: { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 860 } },
} as const;

/** The system's Chromium: the file in env CHROMIUM, else the first that PATH has; or undefined. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = named
    ? [named]
    : NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found === undefined) {
    console.warn('SKIPPED: checkout pages in a real browser, because no Chromium was found');
  }
  return found;
}

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Folder for the screenshots: env QUITTANCE_SCREENSHOTS, else a new temporary one. */
export async function screenshotFolder(): Promise<string> {
  const named = process.env.QUITTANCE_SCREENSHOTS;
  if (named === undefined) return mkdtempSync(join(tmpdir(), 'quittance-checkout-'));
  await mkdir(named, { recursive: true });
  return named;
}

/** Everything that axe-core finds against WCAG 2.2 A and AA and its own best practices. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated through the debugger, which the page's Content-Security-Policy does not bind.
  if ((await page.evaluate('typeof axe')) !== 'object') await page.evaluate(axe.source);
  const results = await page.evaluate<axe.AxeResults>(
    `axe.run(document, { runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice'], resultTypes: ['violations'] })`,
  );
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
  );
}

/** What the page has said on its console or thrown, collected from now on. */
export function complaints(page: Page): string[] {
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') said.push(message.text());
  });
  return said;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
