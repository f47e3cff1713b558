import { toHex } from '@quittance/kernel';
import { type SignerClient, signApproval } from '@quittance/signer/client';
import {
  startTestSigner,
  type TestSigner,
  type TestSignerOptions,
} from '@quittance/signer/testing';
import type { Approval, PayoutOutput } from '../../apps/server/src/paying/spends/index.ts';
import type { Regtest } from './regtest.ts';
import type { Shop } from './shop.ts';
import { temporaryFolder } from './temporary.ts';

/** Whoever signs for a vault. */
export type VaultSigner = {
  readonly client: Pick<SignerClient, 'sign'>;
  /** Its name for the wallet. */
  readonly wallet: string;
  readonly descriptor: string;
  approve(output: Omit<PayoutOutput, 'approvals'> & { expiresAtMs: number }): Approval;
};

export type RealSigner = VaultSigner & { readonly process: TestSigner; stop(): Promise<void> };

/** The product's own signer in a process of its own. */
export async function startSigner(
  options: Partial<
    Pick<TestSignerOptions, 'seed' | 'wallets' | 'policy' | 'faultPoint' | 'timeoutMs'>
  > = {},
): Promise<RealSigner> {
  const folder = temporaryFolder('signer');
  const process = await startTestSigner({ dir: folder.path, network: 'regtest', ...options });
  return {
    process,
    client: process.client,
    wallet: process.wallet,
    descriptor: process.descriptor,
    approve: ({ payoutId, script, amountSats, feeFrom, maxFeeShareSats, expiresAtMs }) =>
      signApproval(process.approver, {
        ...{ network: 'regtest', wallet: process.wallet, payoutId, script: toHex(script) },
        ...{ amountSats: String(amountSats), feeFrom, maxFeeShareSats: String(maxFeeShareSats) },
        expiresAtMs,
      }),
    async stop() {
      await process.stop();
      folder.remove();
    },
  };
}

/** A wallet of the node that signs whatever it is shown: for tests of what comes after. */
export async function nodeSigner(regtest: Regtest, shop: Shop, name: string): Promise<VaultSigner> {
  const descriptor = await shop.descriptor(name);
  return {
    ...{ wallet: name, descriptor },
    client: {
      async sign({ psbt }) {
        type Processed = { psbt: string; complete: boolean };
        const signed = await regtest.rpc.walletCall<Processed>(name, 'walletprocesspsbt', [psbt]);
        return { psbt: signed.psbt, complete: signed.complete };
      },
    },
    approve: ({ expiresAtMs }) => ({ approver: 'nobody', expiresAtMs, signature: '' }),
  };
}
