import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestSigner, type TestSigner, testSeed, walletKeys } from '@quittance/signer/testing';
import { callApi, created201 } from './clients.ts';
import { type NodeLies, startLyingNode } from './lying-node.ts';
import { type PayingWorld, type SelfExitListener, startPayingWorld } from './paying-servers.ts';
import type { ServerProcess } from './server-process.ts';

/** Everything that pays, each a process of its own, so that each can be killed alone. */
export type PayoutWorld = PayingWorld<PayingShop> & Companions;

type Companions = {
  readonly signer: TestSigner;
  /** The private key of an address of the wallet, as the owner's other software has it. */
  ownerKey(place: { branch: 0 | 1; index: number }): string;
  /** What stands between the servers and the node. */
  readonly lies: NodeLies;
};

export type PayingShop = {
  readonly id: string;
  readonly apiKey: string;
  readonly walletId: string;
  readonly descriptor: string;
};

export function startPayoutWorld(onSelfExit: SelfExitListener): Promise<PayoutWorld> {
  return startPayingWorld<PayingShop, Companions>({
    ...{ name: 'payouts-crash', onSelfExit },
    openShop: (api, { signer }) => openPayingShop(api, signer),
    async companions({ regtest, folder }) {
      const lies = await startLyingNode(regtest.node.rpcUrl);
      const dir = join(folder, 'signer');
      mkdirSync(dir);
      const { words } = testSeed();
      const signer = await startTestSigner({ dir, network: 'regtest', seed: words });
      return {
        env: { QUITTANCE_BITCOIN_RPC_URL: lies.url, ...signerSettings(signer, folder) },
        async stop() {
          await signer.kill();
          await lies.close();
        },
        more: { signer, lies, ownerKey: walletKeys(words) },
      };
    },
  });
}

/** A shop whose wallet the signer holds, with a processor that pays what is approved at once. */
async function openPayingShop(server: ServerProcess, signer: TestSigner): Promise<PayingShop> {
  const adminKey = await server.adminKey();
  const created = await created201<{ merchant: { id: string }; apiKey: { secret: string } }>(
    callApi(`${server.url}/v1/merchants`, {
      apiKey: adminKey,
      body: {
        name: 'Payer',
        settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
      },
    }),
  );
  const apiKey = created.apiKey.secret;
  const wallet = await created201<{ id: string }>(
    callApi(`${server.url}/v1/wallets`, {
      apiKey,
      body: { descriptor: signer.descriptor, signerWallet: signer.wallet },
    }),
  );
  await created201(
    callApi(`${server.url}/v1/payout-processors`, {
      apiKey,
      body: {
        kind: 'onchain',
        walletId: wallet.id,
        intervalSeconds: 0,
        batchSize: 5,
        feePolicy: { targetBlocks: 2, maxFeeRateSatPerVb: 200, maxFeeShareBps: 10_000 },
        retries: { maxAttempts: 100, delaySeconds: 1 },
      },
    }),
  );
  const { descriptor } = signer;
  return { id: created.merchant.id, apiKey, walletId: wallet.id, descriptor };
}

/** The key that the signer's policy knows is the one with which the servers approve. */
function signerSettings(signer: TestSigner, folder: string): Record<string, string> {
  const approverFile = join(folder, 'approver.key');
  writeFileSync(approverFile, `${signer.approver.privateKey}\n`, { mode: 0o600 });
  return {
    QUITTANCE_SIGNER_SOCKET: signer.socketPath,
    QUITTANCE_SIGNER_APPROVER_FILE: approverFile,
  };
}
