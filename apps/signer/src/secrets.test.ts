import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '@quittance/kernel';
import { coreLimit } from './cli/run.ts';
import { masterKey, newWords, readBackup } from './vault/root-key.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const CLIENT = fileURLToPath(new URL('./testing/client-process.ts', import.meta.url));
const PASSPHRASE = 'correct horse battery staple';

let dir: string;
let folder: string;
const words = newWords();
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'signer-secrets-'));
  folder = join(dir, 'vault');
  for (const [name, text] of [
    ['words', words],
    ['pass', PASSPHRASE],
    ['wrong', 'not this one at all'],
  ]) {
    writeFileSync(join(dir, name ?? ''), `${text}\n`, { mode: 0o600 });
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Ended = { status: number | null; output: string };

function run(args: readonly string[], options: { dumps?: boolean } = {}): Promise<Ended> {
  const limit = options.dumps === true ? '' : 'ulimit -c 0 && ';
  const child = spawn(
    '/bin/sh',
    ['-c', `${limit}exec "$0" "$@"`, process.execPath, MAIN, ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return end(child);
}

function end(child: ReturnType<typeof spawn>): Promise<Ended> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
    });
  }
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })));
}

const pass = (name: string) => ['--dir', folder, '--passphrase-file', join(dir, name)];

/** What must be nowhere: in every form in which it might get out. */
function secrets(): [string, Buffer][] {
  const root = readBackup(words, { network: 'regtest' });
  const master = masterKey(root, 'regtest');
  const account = [84, 1, 0].reduce((node, step) => node.deriveChild(step + 0x8000_0000), master);
  const key = (node: typeof master) => node.privateKey ?? new Uint8Array();
  const raw: [string, Uint8Array][] = [
    ['seed', root.bytes],
    ['master key', key(master)],
    ['account key', key(account)],
    ['first key', key(account.deriveChild(0).deriveChild(0))],
  ];
  const texts: [string, string][] = [
    ['words', words],
    ['three words', words.split(' ').slice(4, 7).join(' ')],
    ['xprv', master.privateExtendedKey],
    ['account xprv', account.privateExtendedKey],
    ['passphrase', PASSPHRASE],
  ];
  return [
    ...texts.map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]),
    ...raw.flatMap(([name, bytes]): [string, Buffer][] => [
      [`${name} (bytes)`, Buffer.from(bytes)],
      [`${name} (hex)`, Buffer.from(toHex(bytes))],
      [`${name} (base64)`, Buffer.from(Buffer.from(bytes).toString('base64').slice(0, -4))],
      [`${name} (number)`, Buffer.from(BigInt(`0x${toHex(bytes)}`).toString())],
    ]),
  ];
}

function leaksIn(bytes: Buffer): string[] {
  return secrets().flatMap(([name, secret]) => (bytes.includes(secret) ? [name] : []));
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const below = join(path, entry.name);
    return entry.isDirectory() ? filesBelow(below) : [below];
  });
}

describe('the seed and the passphrase', () => {
  test('are in no output, no error, no file of the folder', async () => {
    let output = '';
    const tell = async (status: number, reason: RegExp, ...args: string[]) => {
      const ended = await run(args);
      output += ended.output;
      expect(ended.output).toMatch(reason);
      expect(ended.status).toBe(status);
    };
    const restore = ['restore', '--network', 'regtest', '--cheap-for-tests', '--words-file'];
    writeFileSync(join(dir, 'bad'), `${words.split(' ').slice(1).join(' ')} zoo\n`, {
      mode: 0o600,
    });
    writeFileSync(join(dir, 'open'), words, { mode: 0o644 });
    await tell(1, /checksum|word \d+ is not/, ...restore, join(dir, 'bad'), ...pass('pass'));
    await tell(1, /others may read/, ...restore, join(dir, 'open'), ...pass('pass'));
    await tell(0, /Vault made/, ...restore, join(dir, 'words'), ...pass('pass'));
    await tell(1, /there is a vault .* already/, ...restore, join(dir, 'words'), ...pass('pass'));
    await tell(0, /wpkh\(\[/, 'add-wallet', '--name', 'main', ...pass('pass'));
    await tell(1, /same name/, 'add-wallet', '--name', 'main', '--type', 'tr', ...pass('pass'));
    await tell(1, /passphrase is wrong/, 'show', ...pass('wrong'));
    await tell(0, /"cosignerKey"/, 'show', ...pass('pass'));
    const xprv = masterKey(readBackup(words, { network: 'regtest' }), 'regtest').privateExtendedKey;
    const stolen = ['--descriptor', `wpkh(${xprv}/<0;1>/*)`];
    await tell(1, /private key or a seed/, 'add-wallet', '--name', 'x', ...stolen, ...pass('pass'));
    await tell(0, /"ok":true/, 'verify-log', ...pass('pass'));
    await tell(2, /--type is wpkh/, 'add-wallet', '--name', 'x', '--type', words, ...pass('pass'));
    expect(leaksIn(Buffer.from(output, 'latin1'))).toEqual([]);
    for (const file of filesBelow(folder)) {
      expect([file, leaksIn(readFileSync(file))]).toEqual([file, []]);
    }
    // The search itself finds what it looks for.
    expect(leaksIn(readFileSync(join(dir, 'words')))).toEqual(['words', 'three words']);
  });

  test('are not in the memory of a process that uses the signer', {
    timeout: 120_000,
  }, async () => {
    const socketPath = join(dir, 's', 'sock');
    const approver = join(dir, 'approver.json');
    await run(['new-approver', '--out', approver]);
    const { id, publicKey } = JSON.parse(readFileSync(approver, 'utf8')) as Record<string, string>;
    const policy = ['policy', 'add-approver', id ?? '', publicKey ?? '', ...pass('pass')];
    expect((await run(policy)).status).toBe(0);
    const args = [MAIN, 'start', ...pass('pass'), '--socket', socketPath];
    const signer = spawn(
      '/bin/sh',
      ['-c', 'ulimit -c 0 && exec "$0" "$@"', process.execPath, ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const signerEnded = end(signer);
    await new Promise<void>((resolve, reject) => {
      signer.stdout.once('data', () => resolve());
      signer.once('exit', () => reject(new Error('the signer has ended')));
    });
    const snapshot = join(dir, 'client.heapsnapshot');
    const client = spawn(process.execPath, [CLIENT, socketPath, approver, snapshot], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { status, output } = await end(client);
    expect([status, output]).toEqual([0, expect.stringContaining('signed')]);
    expect(statSync(snapshot).size).toBeGreaterThan(1_000_000);
    const heap = readFileSync(snapshot);
    expect(leaksIn(heap)).toEqual([]);
    // The approver's key is the client's own, so the search must find that one.
    const { privateKey = '' } = JSON.parse(readFileSync(approver, 'utf8')) as Record<
      string,
      string
    >;
    expect(heap.includes(privateKey)).toBe(true);
    signer.kill('SIGTERM');
    expect(leaksIn(Buffer.from((await signerEnded).output, 'latin1'))).toEqual([]);
  });

  // Where the limit is zero for everybody already, no dump is possible and nothing can be tried.
  const canDump = !['0', null].includes(coreLimit());
  test.runIf(canDump)(
    'are kept from memory dumps: where one is possible, it does not start',
    async () => {
      const started = await run(['start', ...pass('pass')], { dumps: true });
      expect(started).toMatchObject({ status: 1, output: expect.stringContaining('ulimit -c 0') });
    },
  );
});
