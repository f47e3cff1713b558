import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { settings } from '../platform/config/index.ts';
import { metricTable } from '../platform/metrics/index.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const inFolder = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const pages = [
  ...['README.md', 'SECURITY.md', 'docs/api/README.md'],
  ...inFolder('docs'),
  ...inFolder('docs/runbooks'),
].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** What all pages name by this pattern, with where. */
function named(pattern: RegExp): { path: string; name: string }[] {
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => ({ path, name: match[1] ?? '' })),
  );
}

test('every command that a page names exists', () => {
  const commands = named(/\.\/quittance ([a-z]+)/g);
  expect(commands.length).toBeGreaterThan(10);
  for (const name of new Set(commands.map((command) => command.name))) {
    const args = [join(root, 'apps/server/src/cli.ts'), name, '--help'];
    expect({ name, status: spawnSync(process.execPath, args).status }).toEqual({ name, status: 0 });
  }
});

test('every metric that a page names exists', () => {
  const known = [...Object.keys(metricTable), 'quittance_source_up'];
  const metrics = named(/`(quittance_[a-z_]+)[`{ ]/g).filter(
    ({ name }) => !/^quittance_(app|system|owner|restored)$/.test(name),
  );
  expect(metrics.length).toBeGreaterThan(5);
  for (const metric of metrics) expect(known).toContain(metric.name);
});

test('every setting that a page names exists', () => {
  const known = settings.map(({ path }) => path);
  const groups = '(?:http|bitcoin|signer|rates|webhooks|log|metrics|limits)';
  const found = named(new RegExp(`\`(${groups}\\.[a-zA-Z]+)\``, 'g'));
  expect(found.length).toBeGreaterThan(5);
  for (const { name } of found) {
    if (name !== 'bitcoin.conf') expect(known).toContain(name);
  }
});
