import { generateApprover } from '../approval.ts';
import { verifyLog } from '../audit/log.ts';
import { type SignerClient, SignerRefusedError } from '../client.ts';
import type { SignParams, SignResult } from '../protocol.ts';
import type { RefusalCode } from '../refusals.ts';
import { pathsOf } from '../signer.ts';
import { startTestSigner, type TestSigner } from './process.ts';
import { masterKey, newWords, readBackup } from '../vault/root-key.ts';
import { accountDescriptor, cosignerKey, publicWallet, type Wallet } from '../wallets.ts';
import { type Attack, moneyAttacks } from './attacks.ts';
import { type Cast, policyOfGame } from './cases.ts';
import { inputAttacks } from './input-attacks.ts';
import { seededRandom } from './random.ts';

/** Every attack on a single request, by name. */
export const attacks: readonly Attack[] = [...moneyAttacks, ...inputAttacks];

/** A signer with a wallet of each type, and everybody who wants its money. */
export type Game = {
  signer: TestSigner;
  cast: Cast;
  /** Stops the signer and checks its log; null when it is whole. */
  verifyLog(): Promise<string | null>;
  close(): Promise<void>;
};

const KINDS = ['wpkh', 'sh_wpkh', 'tr'] as const;
const NETWORK = 'regtest';

/** Starts a real signer process for a game. */
export async function startGame(options: { dir: string; seed: number }): Promise<Game> {
  const words = newWords();
  const ours = masterOf(words);
  const theirs = masterOf(newWords());
  const keys = [cosignerKey(ours, NETWORK), cosignerKey(theirs, NETWORK)];
  const shared = `wsh(sortedmulti(2,${keys.join(',')}))`;
  const approvers = {
    first: generateApprover(),
    second: generateApprover(),
    small: generateApprover(),
  };
  const signer = await startTestSigner({
    ...{ dir: options.dir, network: NETWORK, seed: words },
    wallets: [
      ...KINDS.map((kind) => ({ name: kind, kind })),
      { name: 'shared', descriptor: shared },
    ],
    policy: policyOfGame(approvers),
  });
  const wallets = signer.descriptors.map((text, i) =>
    publicWallet([...KINDS, 'shared'][i] ?? '', text, NETWORK),
  );
  const strangers: Wallet[] = KINDS.map((kind) => {
    const text = accountDescriptor(theirs, { kind, account: 0, network: NETWORK });
    return publicWallet('stranger', text, NETWORK);
  });
  const others = [cosignerKey(masterOf(newWords()), NETWORK), cosignerKey(theirs, NETWORK)];
  strangers.push(publicWallet('stranger', `wsh(sortedmulti(2,${others.join(',')}))`, NETWORK));
  let salt = 1_000 + (options.seed % 1_000) * 1_000_000;
  return {
    signer,
    cast: {
      ...{ wallets, strangers, approvers, stranger: generateApprover() },
      random: seededRandom(options.seed),
      nowMs: () => Date.now(),
      salt: () => ++salt,
    },
    async verifyLog() {
      await signer.stop();
      try {
        await verifyLog(pathsOf(signer.folder).audit, null);
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    close: () => signer.stop(),
  };
}

function masterOf(words: string) {
  return masterKey(readBackup(words, { network: NETWORK }), NETWORK);
}

/** What came of a request. */
export type Outcome =
  | { kind: 'signed'; result: SignResult }
  | { kind: 'refused'; code: RefusalCode; reason: string }
  | { kind: 'lost'; error: unknown };

export async function ask(client: SignerClient, params: SignParams): Promise<Outcome> {
  try {
    return { kind: 'signed', result: await client.sign(params) };
  } catch (error) {
    if (!(error instanceof SignerRefusedError)) return { kind: 'lost', error };
    return { kind: 'refused', code: error.code, reason: error.message };
  }
}
