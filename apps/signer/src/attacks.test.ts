import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf } from './testing/auditor.ts';
import { honestCase, honestReturn, toParams } from './testing/cases.ts';
import { ask, attacks, type Game, startGame } from './testing/game.ts';

const WALLETS = ['wpkh', 'sh_wpkh', 'tr', 'shared'];
/** Some cases give no chance for some attacks; among so many there is one that does. */
const TRIES = 60;

let game: Game;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'signer-attacks-'));
  game = await startGame({ dir, seed: 7 });
});
afterAll(async () => {
  await game.close();
  rmSync(dir, { recursive: true, force: true });
});

function walletOf(name: string) {
  const wallet = game.cast.wallets.find((each) => each.name === name);
  if (wallet === undefined) throw new Error(`no wallet ${name}`);
  return wallet;
}

/** Attacks on what only segwit version 0 has. */
const NOT_FOR_TAPROOT = new Set([
  'input that lies about its amount',
  'segwit amount without its proof (fee attack)',
  'previous transaction with another amount',
  'previous transaction of something else',
]);

describe('a hostile server is refused', () => {
  test.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (name, attack) => {
    // Two types of wallet for each attack, in turns; the suite mixes them all.
    const turn = attacks.indexOf(attack) % 2;
    for (const walletName of WALLETS.filter((_, i) => i % 2 === turn)) {
      if (walletName === 'tr' && NOT_FOR_TAPROOT.has(name)) continue;
      let params = null;
      for (let i = 0; i < TRIES && params === null; i++) {
        params = attack.apply(honestCase(game.cast, walletOf(walletName)), game.cast);
      }
      if (params === null) throw new Error(`${walletName}: no case allows this attack`);
      const outcome = await ask(game.signer.client, params);
      expect(outcome, walletName).toMatchObject({ kind: 'refused' });
      expect(attack.codes, walletName).toContain('code' in outcome ? outcome.code : 'none');
    }
  });
});

describe('an honest server is served', () => {
  test.each(WALLETS)('payouts, consolidation and CPFP from %s', async (name) => {
    const wallet = walletOf(name);
    for (let i = 0; i < 5; i++) {
      const cases = [
        honestCase(game.cast, wallet),
        honestReturn(game.cast, wallet, 'consolidation'),
        honestReturn(game.cast, wallet, 'bump-child'),
      ];
      for (const good of cases) {
        const params = toParams(good);
        const outcome = await ask(game.signer.client, params);
        expect(outcome).toMatchObject({ kind: 'signed' });
        if (outcome.kind !== 'signed') return;
        expect(outcome.result.complete).toBe(name !== 'shared');
        expect(faultsOf(params, outcome.result, wallet)).toEqual([]);
        // The same question has the same answer, to the byte.
        expect(await ask(game.signer.client, params)).toEqual(outcome);
      }
    }
  });
});
