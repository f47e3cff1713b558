import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { temporaryFolder } from '../tests/support/temporary.ts';
import { root } from './checks.ts';

const folder = temporaryFolder('launcher');
afterAll(() => folder.remove());

/** Runs the launcher with the Node of this test. */
function run(
  args: readonly string[],
  { launcher = join(root, 'quittance'), path = '' } = {},
): { status: number | null; stdout: string; stderr: string } {
  const fitting = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, PATH: path === '' ? fitting : path };
  return spawnSync(launcher, args, { cwd: folder.path, env, encoding: 'utf8' });
}

test('the launcher works from any folder and through a chain of links', () => {
  symlinkSync(join(root, 'quittance'), join(folder.path, 'first'));
  symlinkSync('first', join(folder.path, 'second'));
  const { status, stdout } = run(['--version'], { launcher: join(folder.path, 'second') });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(status).toBe(0);
});

test('help is printed without warnings of the runtime', () => {
  const { status, stdout, stderr } = run(['--help']);
  expect(status).toBe(0);
  expect(stderr).toBe('');
  for (const name of ['demo', 'start', 'doctor', 'test', 'bench', 'ledger', 'migrate']) {
    expect(stdout).toContain(`  ${name}`);
    expect(run([name, '--help']).stdout).toContain(`quittance ${name}`);
  }
});

test.each([
  ['an unknown command', ['nosuch'], 'nosuch'],
  ['a name of every object', ['constructor'], 'constructor'],
  ['an unknown flag', ['test', '--nosuch'], '--nosuch'],
  ['an unknown suite', ['test', 'nosuch'], 'no suite "nosuch"'],
  ['a flag without its suite', ['test', '--runs', '3'], 'name of a suite'],
])('%s is a usage error that names it', (_case, args, named) => {
  const { status, stderr } = run(args);
  expect(status).toBe(2);
  expect(stderr).toContain(named);
});

test('without Node or npm the launcher says what to install', () => {
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  for (const tool of ['sh', 'readlink', 'dirname']) symlinkSync(which(tool), join(bin, tool));
  expect(run(['--help'], { path: bin })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('Node.js is missing'),
  });
  symlinkSync(process.execPath, join(bin, 'node'));
  expect(run(['--help'], { path: bin })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('npm is missing'),
  });
});

test('a Node that is too old to do anything with is named', () => {
  const bin = join(folder.path, 'old');
  mkdirSync(bin);
  const old = '#!/bin/sh\ncase $1 in --version) echo v18.0.0 ;; *) echo 18 ;; esac\n';
  writeFileSync(join(bin, 'node'), old, { mode: 0o755 });
  writeFileSync(join(bin, 'npm'), '#!/bin/sh\n', { mode: 0o755 });
  const path = `${bin}:${process.env['PATH'] ?? ''}`;
  expect(run(['--help'], { path })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('v18.0.0'),
  });
});

function which(tool: string): string {
  return spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
}
