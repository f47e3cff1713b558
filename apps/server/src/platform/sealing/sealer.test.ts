import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openSealer, SecretsKeyError, UnsealError } from './sealer.ts';

const folder = mkdtempSync(join(tmpdir(), 'quittance-sealer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what was sealed opens with the same file, for the same thing, and for nothing else', () => {
  const file = join(folder, 'a', 'secrets.key');
  const sealer = openSealer(file);
  const again = openSealer(file);
  const stranger = openSealer(join(folder, 'b.key'));
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (text, context, other) => {
      const sealed = sealer.seal(text, context);
      expect(again.unseal(sealed, context)).toBe(text.toWellFormed());
      expect(() => stranger.unseal(sealed, context)).toThrow(UnsealError);
      if (other !== context) expect(() => again.unseal(sealed, other)).toThrow(UnsealError);
      if (text.length > 8) expect(Buffer.from(sealed).includes(text)).toBe(false);
    }),
  );
});

test('a changed byte anywhere is noticed', () => {
  const sealer = openSealer(join(folder, 'c.key'));
  const sealed = sealer.seal('macaroon', 'node');
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => sealer.unseal(changed, 'node'), `byte ${at}`).toThrow(UnsealError);
  }
  expect(() => sealer.unseal(new Uint8Array(), 'node')).toThrow(UnsealError);
});

test('the key file is its owner’s alone, and one that others can read is refused', () => {
  const file = join(folder, 'd.key');
  openSealer(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  chmodSync(file, 0o644);
  expect(() => openSealer(file)).toThrow('chmod 600');
  chmodSync(file, 0o600);
  expect(() => openSealer(file)).not.toThrow();
  expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
});

test('a key file that can not be used says so in a sentence, and is left as it is', () => {
  const file = join(folder, 'e.key');
  writeFileSync(file, 'half a key', { mode: 0o600 });
  expect(() => openSealer(file)).toThrow(SecretsKeyError);
  expect(readFileSync(file, 'utf8')).toBe('half a key');
  expect(() => openSealer(folder)).toThrow(SecretsKeyError);
  expect(() => openSealer(join(file, 'below', 'a', 'file'))).toThrow(SecretsKeyError);
});
