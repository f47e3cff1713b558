import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokenReferences } from './docs.ts';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** What a check found: nothing, or text that says what and where. */
export type Finding = { ok: true; note?: string } | { ok: false; output: string };

export interface Check {
  name: string;
  run(): Promise<Finding>;
}

/** A file beyond this is two files; tests may list more cases. */
const MAX_LINES = 400;

/** The static checks, in the order in which their failures are useful. */
export const checks: readonly Check[] = [
  { name: 'types', run: () => tool('tsc', ['-p', 'tsconfig.json']) },
  { name: 'checkout types', run: () => tool('tsc', ['-p', 'apps/checkout/tsconfig.json']) },
  { name: 'lint', run: () => tool('oxlint', ['--type-aware', '--format=unix']) },
  { name: 'format', run: checkFormat },
  { name: 'import rules', run: checkImports },
  { name: 'file length', run: async () => report(longFiles(sources())) },
  { name: 'references in pages', run: async () => report(checkPages()) },
  { name: 'machine paths', run: async () => report(machinePaths(trackedTexts())) },
];

export interface SourceFile {
  path: string;
  text: string;
}

/** Names the files that are too long to be read in one go. */
export function longFiles(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (/\.test\.tsx?$/.test(path)) return [];
    const lines = text.split('\n').length - 1;
    return lines > MAX_LINES ? [`${path}: ${lines} lines, at most ${MAX_LINES}: split it`] : [];
  });
}

/** Folders that exist on one machine only have no place in a repository. */
const MACHINE_PATH = /(?:^|[^\w.:])(\/(?:root|work|opt|Users|home)\/[\w.-]+)/;

/** The home of the service's user as manuals write it. */
const EXAMPLES = new Set(['/home/bitcoin']);

/** Names the lines that hold a path of somebody's machine. */
export function machinePaths(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => {
      const found = MACHINE_PATH.exec(line)?.[1];
      return found === undefined || EXAMPLES.has(found) ? [] : [`${path}:${i + 1}: ${found}`];
    }),
  );
}

/**
 * The import rules, with a guard against a tool that sees nothing: it must have looked at modules,
 * and it must find what is planted in tools/fixtures/planted.
 */
export async function checkImports(): Promise<Finding> {
  const planted = await cruise(join(root, 'tools/fixtures/planted'));
  const found = new Set(planted.violations.map((violation) => violation.rule.name));
  const missed = PLANTED_RULES.filter((rule) => !found.has(rule));
  if (missed.length > 0) {
    return { ok: false, output: `the planted violations of ${missed.join(', ')} are not found` };
  }
  const { modules, violations } = await cruise(root);
  if (modules === 0) return { ok: false, output: 'no module was looked at' };
  if (violations.length > 0) {
    const lines = violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
    return { ok: false, output: lines.join('\n') };
  }
  return { ok: true, note: `${modules} modules` };
}

const PLANTED_RULES = [
  'kernel-imports-nothing',
  'ledger-is-a-leaf',
  'modules-meet-at-the-front-door',
  'no-cycles',
] as const;

interface Cruise {
  modules: number;
  violations: { rule: { name: string }; from: string; to: string }[];
}

async function cruise(folder: string): Promise<Cruise> {
  const inputs = ['packages', 'apps', 'bench', 'tests', 'tools'];
  const present = readdirSync(folder).filter((name) => inputs.includes(name));
  const config = join(root, '.dependency-cruiser.mjs');
  const { stdout, stderr } = await runTool(
    'depcruise',
    ['--config', config, '--output-type', 'json', ...present],
    folder,
  );
  if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser failed:\n${stdout}${stderr}`);
  const { summary, modules } = JSON.parse(stdout) as {
    summary: { violations: Cruise['violations'] };
    modules: { source: string }[];
  };
  const own = modules.filter(({ source }) => /^(packages|apps|bench|tests|tools)\//.test(source));
  return { modules: own.length, violations: summary.violations };
}

/** The code only: npm writes package.json in a layout of its own. */
async function checkFormat(): Promise<Finding> {
  const paths = sources().map(({ path }) => path);
  if (paths.length === 0) return { ok: false, output: 'no file was looked at' };
  return tool('biome', ['format', ...paths]);
}

/** Pages that name a file by a path that is not its own any more mislead whoever is new. */
function checkPages(): string[] {
  const pages = trackedTexts().filter(({ path }) => path.endsWith('.md'));
  return brokenReferences(pages, allPaths(''));
}

function report(lines: readonly string[]): Finding {
  return lines.length === 0 ? { ok: true } : { ok: false, output: lines.join('\n') };
}

async function tool(name: string, args: readonly string[]): Promise<Finding> {
  const { status, stdout, stderr } = await runTool(name, args, root);
  if (status !== 0) return { ok: false, output: `${stdout}${stderr}`.trim() };
  // What does not fail the check is shown all the same.
  const warnings = stdout.split('\n').filter((line) => /warning/i.test(line));
  return warnings.length === 0 ? { ok: true } : { ok: true, note: warnings.join('\n    ') };
}

/** Runs a program that npm has installed here. */
export function runTool(
  name: string,
  args: readonly string[],
  cwd: string,
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules/.bin', name), args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? 1, stdout, stderr }));
  });
}

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.quittance', 'results', 'coverage']);
const TEXT = /\.(?:ts|tsx|mjs|js|sh|md|json|sql|css|html|yml|yaml)$|^(?:quittance|run)$/;

function trackedTexts(): SourceFile[] {
  return readTree('').filter(({ path }) => path !== 'package-lock.json');
}

function sources(): SourceFile[] {
  return trackedTexts().filter(({ path }) => /\.tsx?$/.test(path));
}

function readTree(folder: string): SourceFile[] {
  return allPaths(folder)
    .filter((path) => TEXT.test(basename(path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function allPaths(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return allPaths(path);
    return entry.isFile() ? [path] : [];
  });
}
