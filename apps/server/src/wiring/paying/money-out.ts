import type { Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random } from '@quittance/kernel';
import { connectSigner, type SignerClient } from '@quittance/signer/client';
import { createGate, type Gate, rememberingSigner } from '../../paying/guard/index.ts';
import {
  createFeeEstimator,
  createSpendsFollower,
  readSpendNumbers,
  recoverSpends,
  runDueSpends,
  type SpendAdopter,
  type SpendDeps,
  type SpendListener,
  SPENDS_CHANNEL,
} from '../../paying/spends/index.ts';
import { type BitcoinRpcTarget, createBitcoinRpc } from '../../platform/bitcoin-node/index.ts';
import type { Database } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { HealthCheck } from '../../platform/health/index.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import type { ChainFollower } from '../../receiving/chain/index.ts';
import { type SignerPlace, socketOf, startSignerProcess } from '../../platform/embedded/signer.ts';

/** Nobody rang: spends whose pause is over are looked for this often. */
const LOOK_EVERY_MS = 1_000;

export type SignerSetting = { socketPath: string } | SignerPlace | null;

export type MoneyOutOptions = {
  network: Network;
  bitcoin: { target: BitcoinRpcTarget };
  /** Null: transactions are signed elsewhere. */
  signer: SignerSetting;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Logger;
  metrics: Metrics;
};

/** The parts that pay: what they share, whatever of them runs in this process. */
export type MoneyOut = {
  spends: SpendDeps;
  signer: SignerClient | null;
  /** In the order in which they hear of the chain. */
  followers: readonly ChainFollower[];
  /** Whether anything may be paid at all. */
  gate: Gate;
};

/** Opens what paying needs: connections to the node and the signer. Nothing is asked yet. */
export function openMoneyOut(
  lifecycle: Lifecycle,
  options: MoneyOutOptions,
  parts: { database: Database; listener: SpendListener; adopter: SpendAdopter },
): MoneyOut {
  const { database, listener, adopter } = parts;
  const { network, clock, ids, random, log, metrics } = options;
  const node = createBitcoinRpc(options.bitcoin.target);
  const signer = openSigner(options.signer, database);
  lifecycle.use('money out', () => ({
    async stop() {
      signer?.close();
      await node.close();
    },
  }));
  const spends: SpendDeps = {
    ...{ database, clock, ids, random, node, signer, listener, log },
    fees: createFeeEstimator({ node, network, clock }),
    notices: {
      sent: (outcome) => metrics.count('quittance_spend_broadcasts_total', { outcome }),
      signed: (outcome) => metrics.count('quittance_spend_signatures_total', { outcome }),
    },
  };
  const followers = [createSpendsFollower({ listener, adopter })];
  return { spends, signer, followers, gate: createGate(database, log) };
}

function openSigner(setting: SignerSetting, database: Database): SignerClient | null {
  if (setting === null) return null;
  const client = connectSigner({
    socketPath: 'dir' in setting ? socketOf(setting) : setting.socketPath,
  });
  return rememberingSigner(client, database);
}

/** What a worker does for spends: the signer's process, where it is ours to start, and the loop. */
export function useSpends(
  lifecycle: Lifecycle,
  options: MoneyOutOptions,
  { out, loops }: { out: MoneyOut; loops: Loop[] },
): void {
  const { signer, log, clock } = options;
  if (signer !== null && 'dir' in signer) {
    lifecycle.use('signer', () => startSignerProcess(signer, log));
  }
  lifecycle.use('spends', () => {
    const { database } = out.spends;
    let hasRecovered = false;
    const loop = startLoop({
      name: 'spends',
      everyMs: LOOK_EVERY_MS,
      async run(signal) {
        if ((await out.gate.closedBecause()) !== null) return;
        if (!hasRecovered) await recoverSpends(out.spends);
        hasRecovered = true;
        return await runDueSpends(out.spends, signal);
      },
      wake: (ring) => database.listen(SPENDS_CHANNEL, { message: ring, gap: ring }),
      onError: (error) => log.warn({ error }, 'spends can not be worked on'),
      clock,
    });
    loops.push(loop);
    return loop;
  });
  countSpends(options.metrics, out);
}

/** Lets the interface look for a wallet in the signer, where there is one. */
export function walletsOfSigner({ signer }: MoneyOut): {
  readSignerWallet?: (name: string) => Promise<{ descriptor: string } | null>;
} {
  if (signer === null) return {};
  return {
    async readSignerWallet(name) {
      // The reason names the operator's sockets; the signer's health says it to the operator.
      const described = await signer.describe().catch(() => {
        throw new AppError('signer_wallet_refused', 'The signer can not be asked just now.');
      });
      return described.wallets.find((wallet) => wallet.name === name) ?? null;
    },
  };
}

/**
 * What `/readyz` says of the signer. It does not turn red without it: payments are received all the
 * same, and a proxy must not take this server away because payouts wait. The gauge tells of it.
 */
export function signerCheck({ signer }: MoneyOut): HealthCheck[] {
  if (signer === null) return [];
  return [{ name: 'signer', run: async () => ({ ok: true, detail: await lookAt(signer) }) }];
}

async function lookAt(signer: SignerClient): Promise<string> {
  const problem = await problemOf(signer);
  return problem === null ? 'answers' : `payouts wait: ${problem} (docs/runbooks/stuck-payout.md)`;
}

/** Null when it answers. */
async function problemOf(signer: SignerClient): Promise<string | null> {
  try {
    await signer.ping();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function countSpends(metrics: Metrics, { spends, signer }: MoneyOut): void {
  if (signer !== null) {
    metrics.registerSource('signer', async () => {
      const value = (await problemOf(signer)) === null ? 1 : 0;
      return [{ name: 'quittance_signer_up', value }];
    });
  }
  metrics.registerSource('spends', async () => {
    const numbers = await readSpendNumbers(spends);
    return numbers.flatMap(({ state, count, oldestAgeMs }) => [
      { name: 'quittance_spends_open', labels: { state }, value: count } as const,
      {
        name: 'quittance_spend_oldest_seconds',
        labels: { state },
        value: oldestAgeMs / 1_000,
      } as const,
    ]);
  });
}
