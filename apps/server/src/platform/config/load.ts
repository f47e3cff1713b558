import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { type Config, configSchema } from './schema.ts';
import { type Setting, settings } from './table.ts';

/** One thing that is wrong with the configuration: where, and what to do about it. */
export type ConfigProblem = { where: string; detail: string };

/** Thrown with everything that is wrong at once, so that nobody has to start five times. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ where, detail }) => `  ${where}: ${detail}`);
    super(`the configuration can not be used:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

export type ConfigSources = {
  /** Path from `--config`; wins over QUITTANCE_CONFIG. */
  configPath?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file; throws when it can't. */
  readText?: (path: string) => string;
};

/** A configuration file is a page long; something larger is the wrong file. */
const MAX_FILE_CHARACTERS = 100_000;

/**
 * Variables with our prefix that are no settings: of the launcher and of the tests. They are
 * listed so that every other unknown one is a mistake that gets an answer.
 */
const OTHER_VARIABLES = new Set([
  'QUITTANCE_CONFIG',
  'QUITTANCE_CACHE',
  'QUITTANCE_NODE',
  'QUITTANCE_FAULT_POINT',
  'QUITTANCE_SIGNER_DIR',
  'QUITTANCE_TESTDATA',
  'QUITTANCE_TEST_OWNER_URL',
]);

/**
 * Reads the configuration: environment over file over default.
 * @throws {ConfigError} naming every problem
 */
export function loadConfig(sources: ConfigSources): Config {
  const problems: ConfigProblem[] = [];
  const path = sources.configPath ?? nonEmpty(sources.env['QUITTANCE_CONFIG']);
  const tree: Tree = path === undefined ? {} : readFile(path, sources.readText, problems);
  const origin = new Map<string, string>();
  problems.push(...unknownVariables(sources.env));
  for (const setting of settings) overlay(tree, setting, sources.env, origin, problems);
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((i) => explain(i, origin)));
  problems.push(...contradictions(tree), ...mailContradictions(tree));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return parsed.data;
}

type Tree = Record<string, unknown>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}

function readFile(
  path: string,
  readText: ConfigSources['readText'],
  problems: ConfigProblem[],
): Tree {
  const read = readText ?? ((file: string) => readFileSync(file, 'utf8'));
  let text: string;
  try {
    text = read(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({
      where: path,
      detail: `can not be read (${reason}); check the path and the rights`,
    });
    return {};
  }
  if (text.length > MAX_FILE_CHARACTERS) {
    problems.push({
      where: path,
      detail: 'is far too large for a configuration file; check the path',
    });
    return {};
  }
  try {
    // A byte order mark is what some editors put in front of a JSON file.
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isTree(value)) return value;
    problems.push({ where: path, detail: 'must hold one JSON object: { … }' });
  } catch (error) {
    // The parser's own message may quote the text around the fault, a password for instance.
    const at =
      error instanceof Error ? /position \d+( \(line \d+ column \d+\))?/.exec(error.message) : null;
    problems.push({
      where: path,
      detail: `is not valid JSON${at === null ? '' : ` at ${at[0]}`}; correct it there`,
    });
  }
  return {};
}

function unknownVariables(env: ConfigSources['env']): ConfigProblem[] {
  const known = settings.map((setting) => setting.env);
  return Object.keys(env)
    .filter(
      (name) =>
        name.startsWith('QUITTANCE_') && !OTHER_VARIABLES.has(name) && !known.includes(name),
    )
    .map((name) => ({ where: name, detail: unknown('variable', nearest(name, known)) }));
}

function unknown(noun: string, suggestion: string | undefined): string {
  return suggestion === undefined
    ? `there is no such ${noun}; remove it (docs/configuration.md lists all)`
    : `there is no such ${noun}; did you mean ${suggestion}?`;
}

function overlay(
  tree: Tree,
  setting: Setting,
  env: ConfigSources['env'],
  origin: Map<string, string>,
  problems: ConfigProblem[],
): void {
  const text = nonEmpty(env[setting.env]);
  if (text === undefined) return;
  origin.set(setting.path, setting.env);
  const keys = setting.path.split('.');
  const last = keys.pop() ?? '';
  let branch = tree;
  for (const key of keys) {
    const next = branch[key];
    // A group that the file gives as something else is reported by the schema; don't hide it.
    if (next !== undefined && !isTree(next)) return;
    const child = next ?? {};
    branch[key] = child;
    branch = child;
  }
  const value = fromText(setting, text.trim());
  if (value === undefined) {
    delete branch[last];
    problems.push({
      where: setting.env,
      detail: 'is not valid JSON; write for instance {"USD":"65000.00"}',
    });
    return;
  }
  branch[last] = value;
}

/** Reads what it can; what does not fit stays a text, and the schema says what is expected. */
function fromText(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'text':
      return text;
    case 'integer':
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return text.split(',').map((part) => part.trim());
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        return undefined;
      }
  }
}

function explain(issue: z.core.$ZodIssue, origin: Map<string, string>): ConfigProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const where = [...path, key].join('.');
      // A mistaken group ("htp") is compared with the groups, a mistaken leaf with all settings.
      const known = settings.flatMap((s) => [s.path, s.path.split('.')[0] ?? '']);
      return { where, detail: unknown('setting', nearest(where, known)) };
    });
  }
  const where = path.join('.');
  const setting = settings.find((s) => where === s.path || where.startsWith(`${s.path}.`));
  return [{ where: origin.get(setting?.path ?? '') ?? where, detail: issue.message }];
}

/** What only shows when settings are looked at together. */
function contradictions(tree: Tree): ConfigProblem[] {
  const bitcoin = isTree(tree['bitcoin']) ? tree['bitcoin'] : {};
  const given = (key: string) => bitcoin[key] !== undefined;
  const problems: ConfigProblem[] = [];
  if (given('cookieFile') && (given('rpcUser') || given('rpcPassword'))) {
    problems.push({
      where: 'bitcoin',
      detail: 'give either cookieFile, or rpcUser and rpcPassword, not both',
    });
  } else if (given('rpcUser') !== given('rpcPassword')) {
    const missing = given('rpcUser') ? 'rpcPassword' : 'rpcUser';
    problems.push({
      where: `bitcoin.${missing}`,
      detail: 'rpcUser and rpcPassword need each other; add this one',
    });
  }
  return [...problems, ...signerContradictions(tree)];
}

function signerContradictions(tree: Tree): ConfigProblem[] {
  const signer = isTree(tree['signer']) ? tree['signer'] : {};
  const given = (key: string) => signer[key] !== undefined;
  if (given('dir') === given('keyFile')) return [];
  const missing = given('dir') ? 'keyFile' : 'dir';
  const detail = 'dir and keyFile need each other; add this one';
  return [{ where: `signer.${missing}`, detail }];
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i;

function mailContradictions(tree: Tree): ConfigProblem[] {
  const smtp = isTree(tree['smtp']) ? tree['smtp'] : {};
  const given = (key: string) => smtp[key] !== undefined;
  const problems: ConfigProblem[] = [];
  const add = (key: string, detail: string) => problems.push({ where: `smtp.${key}`, detail });
  if (given('host') && !given('from')) {
    add('from', 'a mail server is given; add the address that e-mails come from');
  }
  const settled = ['port', 'user', 'password', 'from'].find(given);
  if (!given('host') && settled !== undefined) {
    add('host', `smtp.${settled} is given; add the mail server's name, or take it out`);
  }
  if (given('user') !== given('password')) {
    const missing = given('user') ? 'password' : 'user';
    add(missing, 'user and password need each other; add this one');
  }
  const { host, tls } = smtp;
  if (tls === 'none' && typeof host === 'string' && !LOOPBACK.test(host)) {
    add('tls', 'only a mail server on this machine may be talked to without encryption');
  }
  return problems;
}
