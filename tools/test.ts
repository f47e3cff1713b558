import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { findLnd } from '../tests/support/lnd-binary.ts';
import { checks, root, runTool } from './checks.ts';

/** How often a suite runs unless told: keeps a look at one under a few minutes. */
const DEFAULT_RUNS = 20;
const USAGE_ERROR = 2;

/** What a file in tests/suites exports as `run`. */
export type RunSuite = (options: {
  runs: number;
  seed: number;
}) => Promise<{ violations: number } & Record<string, unknown>>;

/**
 * `quittance test`: everything, or one randomised suite.
 * @returns the exit status
 */
export async function runTest(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { runs: { type: 'string' }, seed: { type: 'string' } },
  });
  const [suite, ...rest] = positionals;
  if (rest.length > 0) return refuse(`only one suite at a time, not also "${rest.join(' ')}"`);
  if (suite !== undefined) return runSuite(suite, values);
  if (values.runs !== undefined || values.seed !== undefined) {
    return refuse(`--runs and --seed need the name of a suite: ${suiteNames().join(', ')}`);
  }
  return runAll();
}

async function runAll(): Promise<number> {
  let passed = 0;
  let failed = 0;
  for (const check of checks) {
    const startMs = performance.now();
    process.stdout.write(`\n== ${check.name}\n`);
    const finding = await check.run().catch((error: unknown) => ({
      ok: false as const,
      output: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }));
    if (finding.ok) passed++;
    else failed++;
    const note = finding.ok && 'note' in finding ? ` (${finding.note})` : '';
    console.log(finding.ok ? `ok${note}` : finding.output);
    console.log(`   ${seconds(startMs)}`);
  }
  let skipped = 0;
  const unsteady: string[] = [];
  for (const stage of stages) {
    const startMs = performance.now();
    process.stdout.write(`\n== ${stage.name}\n`);
    const tests = await runStage(stage);
    console.log(tests.output);
    console.log(`   ${seconds(startMs)}`);
    passed += tests.passed;
    failed += tests.failed;
    skipped += tests.skipped;
    unsteady.push(...(tests.unsteady ?? []));
  }
  for (const file of unsteady) console.log(`unsteady, passed only the second time: ${file}`);
  if (skipped > 0) console.log(`${skipped} tests skipped`);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

interface Stage {
  name: string;
  /** What vitest is told to run. */
  args: readonly string[];
  /** Gets what the tests need. What it returns is shown. */
  prepare?: () => Promise<string>;
  /** Tests that may all be skipped, since what they need is not on every machine. */
  mayBeSkipped?: boolean;
}

const stages: readonly Stage[] = [
  { name: 'tests', args: ['--exclude', 'tests/interop/**'] },
  // Last, so that building LND takes no time from tests that wait for something.
  {
    name: 'tests with a real LND',
    args: ['tests/interop'],
    prepare: prepareLnd,
    mayBeSkipped: true,
  },
];

async function prepareLnd(): Promise<string> {
  const onBuild = () => console.log('LND is built from Go modules, once: some minutes');
  const found = await findLnd({ mayBuild: true, onBuild });
  return 'path' in found ? `LND: ${found.path}` : `skipped: ${found.missing}`;
}

async function runStage(stage: Stage): Promise<TestCount> {
  try {
    if (stage.prepare !== undefined) console.log(await stage.prepare());
  } catch (error) {
    const output = error instanceof Error ? error.message : String(error);
    return { passed: 0, failed: 1, skipped: 0, output };
  }
  return await runVitest(stage);
}

interface TestCount {
  passed: number;
  failed: number;
  skipped: number;
  output: string;
  /** Files that passed only the second time. */
  unsteady?: string[];
}

/** The part of vitest's JSON report that is counted. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: unknown[] }[];
}

/** A stage's files, then those of them that failed once more. */
async function runVitest({ args, mayBeSkipped = false }: Stage): Promise<TestCount> {
  const first = await vitest(args);
  if (first.report === undefined) return { ...NOTHING, failed: 1, output: first.output };
  const all = countTests(first.report, { ...first, mayBeSkipped });
  const again = filesToRepeat(first.report, all);
  if (again.length === 0) return all;
  const second = await vitest([...again, '--no-file-parallelism']);
  if (second.report === undefined) return all;
  return judgeRepeat(all, countTests(second.report, { ...second, mayBeSkipped: false }), again);
}

const NOTHING: TestCount = { passed: 0, failed: 0, skipped: 0, output: '' };

/** More failed files than these are no matter of a slow machine. */
const MAX_FILES_REPEATED = 4;

/**
 * Tests of real processes, nodes and browsers wait for things in real time, and a machine that is
 * starved for a moment breaks one of thousands. So the few files that failed are run once more, one
 * after the other. A defect fails there again; what does not is named at the end as unsteady.
 * @returns paths of files; none where a failure belongs to no file
 */
export function filesToRepeat(report: Report, { failed }: TestCount): string[] {
  const files = report.testResults.filter(({ status }) => status === 'failed');
  return failed === 0 || files.length > MAX_FILES_REPEATED ? [] : files.map(({ name }) => name);
}

/** Unsteady tests count as passed only when every test of their files has passed the second time. */
export function judgeRepeat(first: TestCount, second: TestCount, files: string[]): TestCount {
  const output = `${first.output}\n\n-- the ${files.length} failed files once more\n${second.output}`;
  if (second.failed > 0) return { ...first, output };
  return {
    ...first,
    ...{ passed: first.passed + first.failed, failed: 0, output },
    unsteady: files.map((file) => relative(root, file)),
  };
}

async function vitest(
  args: readonly string[],
): Promise<{ status: number; output: string; report?: Report }> {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-test-'));
  const file = join(folder, 'report.json');
  try {
    const { status, stdout, stderr } = await runTool(
      'vitest',
      ['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
      root,
    );
    // What a passing test writes on stderr is noise; of a failing run everything is shown.
    const output = (status === 0 ? stdout : `${stdout}${stderr}`).trim();
    if (!existsSync(file)) return { status, output };
    return { status, output, report: JSON.parse(readFileSync(file, 'utf8')) as Report };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that fails before its first test, and a failure outside any test, count as one each. */
export function countTests(
  report: Report,
  { status, output, mayBeSkipped }: { status: number; output: string; mayBeSkipped: boolean },
): TestCount {
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  const skipped = report.numPendingTests + report.numTodoTests;
  const none = report.numPassedTests === 0 && !(mayBeSkipped && skipped > 0);
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && (status !== 0 || none) ? 1 : failed,
    skipped,
    output,
  };
}

const SUITES = join(root, 'tests/suites');

function suiteNames(): string[] {
  if (!existsSync(SUITES)) return [];
  return readdirSync(SUITES)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}

async function runSuite(
  suite: string,
  values: { runs?: string | undefined; seed?: string | undefined },
): Promise<number> {
  if (!suiteNames().includes(suite)) {
    const existing = suiteNames().join(', ') || 'none yet';
    return refuse(`there is no suite "${suite}"; there are: ${existing}`);
  }
  const runs = wholeNumber(values.runs ?? String(DEFAULT_RUNS));
  const seed = wholeNumber(values.seed ?? String(Math.floor(Math.random() * 2 ** 31)));
  if (runs === undefined || runs === 0) return refuse('--runs is a whole number from 1');
  if (seed === undefined) return refuse('--seed is a whole number from 0');
  const loaded: unknown = await import(pathToFileURL(join(SUITES, `${suite}.ts`)).href);
  const { run } = loaded as { run: RunSuite };
  console.error(`suite ${suite}: ${runs} runs, seed ${seed}`);
  const result = await run({ runs, seed });
  console.log(JSON.stringify({ suite, seed, runs, ...result }));
  return result.violations === 0 ? 0 : 1;
}

function wholeNumber(text: string): number | undefined {
  const value = Number(text);
  return /^[0-9]{1,15}$/.test(text) ? value : undefined;
}

function refuse(message: string): number {
  console.error(`quittance test: ${message}`);
  return USAGE_ERROR;
}

function seconds(startMs: number): string {
  return `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
}
