import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Bench,
  type BenchOptions,
  type BenchResult,
  describeMachine,
  isMet,
  type Target,
} from './harness.ts';

/** Exit status of a command line that is not understood, as of the command line itself. */
const USAGE_ERROR = 2;
const RESULTS = join(import.meta.dirname, 'results');

type Entry = {
  what: string;
  /** Part of another one: runs alone only when it is named. */
  partOf?: string;
  load(): Promise<Bench>;
};

/** In the order in which they run when none is named; each is loaded only when it runs. */
const benches: Readonly<Record<string, Entry>> = {
  scan: {
    what: 'finding payments in real blocks, against bitcoinjs-lib and one SHA-256 pass',
    load: async () => (await import('./scan.ts')).run,
  },
  catchup: {
    what: 'catching up from the node, against its own rescanblockchain',
    load: async () => (await import('./catchup.ts')).run,
  },
  detect: {
    what: 'from sendrawtransaction to the frame on an open WebSocket',
    load: async () => (await import('./detect.ts')).run,
  },
  orders: {
    what: 'durable orders over HTTP, against a bare loop that commits the same rows',
    load: async () => (await import('./orders.ts')).run,
  },
  webhooks: {
    what: 'deliveries beside a dead and a slow endpoint, against deliveries without them',
    load: async () => (await import('./webhooks.ts')).run,
  },
  coinselect: {
    what: 'plans of large wallets, and what they cost beside the optimum and bitcoind',
    load: async () => (await import('./coinselect.ts')).run,
  },
  payouts: {
    what: 'a thousand payouts in one batch and one by one; ten thousand over Lightning, by rule',
    load: async () => (await import('./payouts.ts')).run,
  },
  screening: {
    what: 'people and addresses against all lists, against a plain token-Jaro-Winkler scan',
    load: async () => (await import('./screening.ts')).run,
  },
  risk: {
    what: 'risk decisions with a million payments of history, against plain SQL over it',
    load: async () => (await import('./risk.ts')).run,
  },
  strategies: {
    what: 'ten thousand simulated Lightning payouts, by strategy, against a fixed ten minutes',
    partOf: 'payouts',
    load: async () => (await import('./strategies.ts')).run,
  },
  typologies: {
    what: 'a million payments with planted patterns: recall and false alerts, against naive rules',
    load: async () => (await import('./typologies.ts')).run,
  },
  memory: {
    what: 'memory of the server over 200,000 orders',
    load: async () => (await import('./memory.ts')).run,
  },
};

/**
 * `quittance bench [NAME] [--quick] [--seeds 1,2,3]`: runs one benchmark or all, prints tables and what the targets
 * say, and writes bench/results/<name>.json.
 * @returns the exit status: 0 when everything could be measured, whatever the figures
 */
export async function runBench(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, seeds: { type: 'string' } },
  });
  const all = Object.keys(benches).filter((name) => benches[name]?.partOf === undefined);
  const names = positionals.length === 0 ? all : positionals;
  const unknown = names.find((name) => !Object.hasOwn(benches, name));
  if (unknown !== undefined) {
    const list = Object.entries(benches).map(([name, { what }]) => `  ${name.padEnd(10)} ${what}`);
    console.error(`quittance bench: there is no "${unknown}"; it is one of:\n${list.join('\n')}`);
    return USAGE_ERROR;
  }
  const seeds = readSeeds(values.seeds);
  if (seeds === null) {
    console.error('quittance bench: --seeds takes whole numbers, such as --seeds 1,2,3');
    return USAGE_ERROR;
  }
  const done: BenchResult[] = [];
  const failed: string[] = [];
  for (const name of names) {
    try {
      done.push(await runOne(name, { quick: values.quick, seeds }));
    } catch (error) {
      // The others can still be measured.
      console.error(error);
      failed.push(name);
    }
  }
  summarise(done, failed);
  return failed.length === 0 ? 0 : 1;
}

/** @returns null for what can not be read */
function readSeeds(text: string | undefined): readonly number[] | undefined | null {
  if (text === undefined) return undefined;
  return /^\d{1,9}(,\d{1,9})*$/.test(text) ? text.split(',').map(Number) : null;
}

async function runOne(name: string, options: BenchOptions): Promise<BenchResult> {
  const { quick } = options;
  const entry = benches[name];
  if (entry === undefined) throw new Error(`there is no benchmark ${name}`);
  const machine = describeMachine(Date.now());
  console.log(`\n${name}: ${entry.what}${quick ? ' (quick: too short to judge by)' : ''}`);
  const bench = await entry.load();
  const began = performance.now();
  const result = await bench(options);
  const seconds = Math.round((performance.now() - began) / 1_000);
  const versions = { Node: machine.node, ...result.versions };
  console.table(result.rows);
  for (const [title, rows] of Object.entries(result.tables ?? {})) {
    console.log(title);
    console.table(rows);
  }
  console.table(result.ratios);
  for (const note of result.notes ?? []) console.log(note);
  const software = Object.entries(versions).map(([what, version]) => `${what} ${version}`);
  console.log(
    `${machine.cpu}, ${machine.cores} cores, load before ${machine.loadBefore.join(' ')}; ` +
      `${software.join(', ')}; ${seconds} s`,
  );
  for (const target of result.targets) console.log(describeTarget(target));
  const targets = result.targets.map((target) => ({ ...target, met: isMet(target) }));
  write(name, { ...result, targets, quick, seconds, machine, versions, commit: commit() });
  return result;
}

function describeTarget(target: Target): string {
  const { what, value, unit, limit } = target;
  const bound = 'atLeast' in limit ? `at least ${limit.atLeast}` : `at most ${limit.atMost}`;
  return `${isMet(target) ? 'met   ' : 'MISSED'}  ${what}: ${value} ${unit} (${bound})`;
}

function summarise(done: readonly BenchResult[], failed: readonly string[]): void {
  if (done.length + failed.length > 1) {
    console.log('\nall targets');
    for (const { name, targets } of done) {
      for (const target of targets) console.log(`${name.padEnd(10)} ${describeTarget(target)}`);
    }
    for (const name of failed) console.log(`${name.padEnd(10)} FAILED  could not be measured`);
    const results = done.map(({ name, ratios, targets }) => ({ name, ratios, targets }));
    write('summary', { date: new Date().toISOString(), commit: commit(), results, failed });
  }
  console.log(`\nwritten to bench/results`);
}

function write(name: string, content: object): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

/** What was measured; null outside a git checkout. */
function commit(): string | null {
  try {
    const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim();
  } catch {
    return null;
  }
}
