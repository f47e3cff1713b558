/**
 * For other suites: the real signer process in a folder of its own. Regtest only.
 */
import type { Network } from '@quittance/bitcoin';
import type { Approver, SignerClient } from './client.ts';

/** A signer that runs for a test. */
export type TestSigner = {
  readonly client: SignerClient;
  readonly socketPath: string;
  /** Name of the wallet, and its public descriptor. */
  readonly wallet: string;
  readonly descriptor: string;
  /** The one approver of the default policy. */
  readonly approver: Approver;
  readonly folder: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, `stop` or a fault point. */
  restart(options?: { faultPoint?: string }): Promise<void>;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
};

export type TestSignerOptions = {
  /** An empty folder of the caller, in which everything is kept. */
  dir: string;
  network: Network & 'regtest';
  /** BIP39 words; random when left out. */
  seed?: string;
  /** `wpkh` when left out. */
  kind?: 'wpkh' | 'sh_wpkh' | 'tr';
  /** Laid over a policy that allows everything usual, as in policy.json. */
  policy?: Record<string, unknown>;
  faultPoint?: string;
};

/** Makes a vault with one wallet, starts the process and connects. */
export async function startTestSigner(_options: TestSignerOptions): Promise<TestSigner> {
  await Promise.reject(new Error('not built yet'));
  throw new Error('not built yet');
}
