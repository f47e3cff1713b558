import { randomFillSync } from 'node:crypto';
import { addressToScript, deriveAddress, parseDescriptor } from '@quittance/bitcoin';
import type { Random, Sats, Uuid } from '@quittance/kernel';
import { createBitcoinRpc } from '../../apps/server/src/platform/bitcoin-node/index.ts';
import { startLoop } from '../../apps/server/src/platform/loops/index.ts';
import {
  advanceSpend,
  type Approval,
  createFeeEstimator,
  createSpendsFollower,
  type FeeLimits,
  type PayoutOutput,
  type PlannedSpend,
  type PlanRefusal,
  planPayoutSpend,
  runDueSpends,
  type SpendAdopter,
  type SpendChange,
  type SpendDeps,
  type SpendListener,
  SPENDS_CHANNEL,
} from '../../apps/server/src/paying/spends/index.ts';
import { addWallet } from '../../apps/server/src/receiving/addresses/index.ts';
import type { Watcher } from '../../apps/server/src/receiving/chain/index.ts';
import { type Regtest } from './regtest.ts';
import { eventually, openShop, type Shop } from './shop.ts';
import type { VaultSigner } from './vault-signer.ts';

/** A day: longer than any test. */
const APPROVAL_LIFETIME_MS = 86_400_000;
const NO_LIMITS: FeeLimits = { maxFeeRate: 1_000_000n, maxFeeShareBps: null };
const TICK_MS = 50;
/** As many as a wallet has from the beginning; nobody derives more for one that only pays. */
const DERIVED_ADDRESSES = 20;

export type Payee = { address: string; amountSats: Sats } & Partial<
  Pick<PayoutOutput, 'payoutId' | 'feeFrom' | 'maxFeeShareSats'>
>;

export type VaultOptions = {
  ownerUrl: string;
  regtest: Regtest;
  /** Null: transactions are signed elsewhere. */
  signer: VaultSigner | null;
  /** Of a wallet that is signed elsewhere. */
  descriptor?: string;
  /** Changes what the parts work with, such as a node that loses answers. */
  deps?: (deps: SpendDeps) => SpendDeps;
  /** Told of spends besides the vault's own record, and others that follow the chain. */
  listener?: SpendListener;
  shop?: Shop;
  /** Recognises payments that the database has forgotten. */
  adopter?: SpendAdopter;
  /** The store of a database that was there before. */
  existing?: { merchantId: Uuid; walletId: Uuid };
};

/** A store whose wallet pays: real database, node, watcher and signer; the worker is optional. */
export interface Vault {
  readonly shop: Shop;
  readonly regtest: Regtest;
  readonly merchantId: Uuid;
  readonly walletId: Uuid;
  readonly deps: SpendDeps;
  /** What listeners were told, in order. */
  readonly changes: SpendChange[];
  watcher: Watcher;
  /** Pays the wallet so many coins and confirms them; returns their addresses. */
  fund(coins: number, amountSats: Sats): Promise<string[]>;
  /** An output with its approval, as payouts make it. */
  output(payee: Payee): PayoutOutput;
  plan(
    payees: readonly Payee[],
    options?: { feeRate?: bigint; limits?: FeeLimits },
  ): Promise<PlannedSpend | PlanRefusal>;
  /** The same, for a test that knows that it can be planned. */
  planned(payees: readonly Payee[], options?: { feeRate?: bigint }): Promise<Uuid>;
  advance(spendId: Uuid): Promise<string | undefined>;
  /** Everything that is stored about a spend. */
  read(spendId: Uuid): Promise<StoredView>;
  until(spendId: Uuid, wanted: Partial<StoredView>): Promise<StoredView>;
  /** Starts a worker; several may run. */
  work(changes?: (deps: SpendDeps) => SpendDeps): { stop(): Promise<void> };
  /** How often each transaction of ours that pays an address is in the chain or mempool. */
  received(address: string): Promise<Sats>;
  caughtUp(): Promise<void>;
  /** Does something while nobody watches the chain. */
  unwatched<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type StoredView = {
  state: string;
  reason: string | null;
  detail: string | null;
  version: number;
  height: number | null;
  versions: { version: number; state: string; txid: string; fee_sats: string; exposed: boolean }[];
};

export async function openVault(options: VaultOptions): Promise<Vault> {
  const { ownerUrl, regtest, signer } = options;
  const shop = options.shop ?? openShop({ ownerUrl, regtest });
  const changes: SpendChange[] = [];
  const listener: SpendListener = {
    lock: async (tx, ids) => await options.listener?.lock?.(tx, ids),
    async spendChanged(tx, telling, change) {
      changes.push(change);
      await options.listener?.spendChanged(tx, telling, change);
    },
  };
  const node = createBitcoinRpc({
    url: regtest.node.rpcUrl,
    user: regtest.node.rpcUser,
    password: regtest.node.rpcPassword,
  });
  const random: Random = (target) => randomFillSync(target);
  const base: SpendDeps = {
    database: shop.database,
    clock: shop.clock,
    ids: shop.ids,
    random,
    node,
    signer: signer?.client ?? null,
    fees: createFeeEstimator({ node, network: 'regtest', clock: shop.clock }),
    listener,
    log: { info: () => undefined, warn: logWarning },
  };
  const deps = options.deps?.(base) ?? base;
  const merchantId = options.existing?.merchantId ?? (await shop.addMerchant({}));
  const descriptor = options.descriptor ?? signer?.descriptor;
  if (descriptor === undefined) throw new Error('a vault needs a signer or a descriptor');
  const walletId =
    options.existing?.walletId ??
    (await shop.database.asTenant(merchantId, (tx) =>
      addWallet(tx, {
        ...{ merchantId, descriptor, network: 'regtest', use: 'payouts' },
        ...{ signerWallet: signer?.wallet ?? null, ids: shop.ids, nowMs: shop.clock.nowMs() },
      }),
    ));
  const { adopter } = options;
  const follower = createSpendsFollower(adopter === undefined ? deps : { ...deps, adopter });
  let nextAddress = 0;
  const stops: { stop(): Promise<void> }[] = [];

  const vault: Vault = {
    ...{ shop, regtest, merchantId, walletId, deps, changes },
    watcher: shop.watch({ followers: [follower] }),
    async fund(coins, amountSats) {
      const parsed = parseDescriptor(descriptor, 'regtest');
      if (!parsed.ok) throw new Error(parsed.reason);
      const addresses: string[] = [];
      for (let i = 0; i < coins; i++) {
        const at = { branch: 0, index: nextAddress++ % DERIVED_ADDRESSES };
        const address = deriveAddress(parsed.descriptor, at);
        addresses.push(address);
        await regtest.sendTo(address, amountSats);
      }
      await regtest.mine(1);
      await vault.caughtUp();
      return addresses;
    },
    output(payee) {
      const parsed = addressToScript(payee.address, 'regtest');
      if (!parsed.ok) throw new Error(`not an address: ${payee.address}`);
      const { feeFrom = 'sender', payoutId = shop.ids.next() } = payee;
      const maxFeeShareSats = payee.maxFeeShareSats ?? (feeFrom === 'recipient' ? 10_000n : 0n);
      const terms = { payoutId, script: parsed.script, amountSats: payee.amountSats, feeFrom };
      const expiresAtMs = shop.clock.nowMs() + APPROVAL_LIFETIME_MS;
      const approvals: Approval[] =
        signer === null ? [] : [signer.approve({ ...terms, maxFeeShareSats, expiresAtMs })];
      return { ...terms, maxFeeShareSats, approvals };
    },
    async plan(payees, { feeRate = 2_000n, limits = NO_LIMITS } = {}) {
      const outputs = payees.map((payee) => vault.output(payee));
      return await shop.database.asSystem((tx) =>
        planPayoutSpend(tx, deps, {
          ...{ merchantId, walletId, outputs, feeRate, limits, origin: 'manual' },
          longTermFeeRate: deps.fees.longTerm(),
        }),
      );
    },
    async planned(payees, more) {
      const plan = await vault.plan(payees, more);
      if (!plan.ok || plan.spendId === null) throw new Error(`no plan: ${JSON.stringify(plan)}`);
      return plan.spendId;
    },
    async advance(spendId) {
      return (await advanceSpend(deps, spendId))?.spend.state;
    },
    async read(spendId) {
      const [spend] = await shop.sql<Omit<StoredView, 'versions'>>(
        'SELECT state, reason, detail, version, height FROM spend WHERE id = $1',
        [spendId],
      );
      if (spend === undefined) throw new Error(`there is no spend ${spendId}`);
      const versions = await shop.sql<StoredView['versions'][number]>(
        `SELECT version, state, encode(txid, 'hex') AS txid, fee_sats, exposed FROM spend_version
          WHERE spend_id = $1 ORDER BY version`,
        [spendId],
      );
      const shown = versions.map((each) => ({ ...each, txid: reversedHex(each.txid) }));
      return { ...spend, versions: shown };
    },
    async until(spendId, wanted) {
      let last = await vault.read(spendId);
      await eventually(`the spend is ${JSON.stringify(wanted)}`, async () => {
        last = await vault.read(spendId);
        const read = last;
        const fits = Object.entries(wanted).every(
          ([name, value]) => Reflect.get(read, name) === value,
        );
        return fits ? true : read;
      });
      return last;
    },
    work(change) {
      const own = change?.(deps) ?? deps;
      const loop = startLoop({
        name: 'spends',
        everyMs: TICK_MS,
        run: (signal) => runDueSpends(own, signal),
        wake: (ring) => shop.database.listen(SPENDS_CHANNEL, { message: ring, gap: ring }),
        onError: (error) => logWarning({ error }, 'the spends’ worker stumbled'),
        clock: shop.clock,
      });
      stops.push(loop);
      return loop;
    },
    async received(address) {
      const paid = await regtest.walletRpc<string>('getreceivedbyaddress', [address, 0]);
      return BigInt(Math.round(Number(paid) * 100_000_000));
    },
    caughtUp: () => shop.caughtUp(vault.watcher),
    async unwatched(work) {
      await vault.watcher.stop();
      try {
        return await work();
      } finally {
        vault.watcher = shop.watch({ followers: [follower] });
      }
    },
    async close() {
      await Promise.all(stops.map((each) => each.stop()));
      await vault.watcher.stop();
      if (options.shop === undefined) await shop.close();
      await node.close();
    },
  };
  return vault;
}

function reversedHex(hex: string | null): string {
  return Buffer.from(hex ?? '', 'hex')
    .reverse()
    .toString('hex');
}

function logWarning(fields: object, message: string): void {
  if (process.env['QUITTANCE_TEST_LOG'] !== undefined) console.warn(message, fields);
}
