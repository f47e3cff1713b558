import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf } from './testing/auditor.ts';
import { honestCase, toParams } from './testing/cases.ts';
import { ask, type Game, startGame } from './testing/game.ts';
import { playSplitting, replaceWith } from './testing/plays.ts';

const ROUNDS = 3;

let game: Game;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'signer-plays-'));
  game = await startGame({ dir: mkdtempSync(join(dir, 'main-')), seed: 11 });
});
afterAll(async () => {
  await game.close();
  rmSync(dir, { recursive: true, force: true });
});

test('over the limit by splitting: pieces, batches and restarts get no more than the window', {
  timeout: 120_000,
}, async () => {
  expect(await playSplitting(mkdtempSync(join(dir, 'split-')), game.cast)).toEqual([]);
});

test('after a payout was signed, replacements and its cancelling are signed and nothing else', {
  timeout: 120_000,
}, async () => {
  const { cast, signer } = game;
  for (const wallet of cast.wallets) {
    for (let i = 0; i < ROUNDS; i++) {
      const good = honestCase(cast, wallet);
      expect(await ask(signer.client, toParams(good))).toMatchObject({ kind: 'signed' });
      for (const { name, params, code } of replaceWith(good, cast)) {
        const outcome = await ask(signer.client, params);
        const expected = code === null ? { kind: 'signed' } : { kind: 'refused', code };
        expect(outcome, `${wallet.name}: ${name}`).toMatchObject(expected);
        if (outcome.kind !== 'signed') continue;
        expect(faultsOf(params, outcome.result, wallet)).toEqual([]);
      }
    }
  }
});
