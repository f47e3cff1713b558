import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Msats } from '@quittance/kernel';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
  until,
} from '../support/lightning.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { createDice, type Dice } from './support/dice.ts';

const CAPACITY_SATS = 10_000_000n;
const PUSHED_SATS = 4_000_000n;
const PAYERS_EACH_WAY = 3;
/** A little of each payment's amount, so that no two are alike. */
const BASE_MSAT = 100_000n;
/** One in so many is a hold invoice, settled or cancelled by the recipient. */
const HOLD_SHARE = 6;
const PAUSE_AFTER_FAILURE_MS = 20;
const MAX_ROUND_MS = 6_000;
/** What is not over by then waits for a node that was killed. */
const WAIT_MS = 2_000;
const REPORTED_FAULTS = 20;

export type GateCounts = {
  violations: number;
  runs: number;
  kills: number;
  payments: number;
  succeeded: number;
  failed: number;
  neverSent: number;
  heldSettled: number;
  heldCancelled: number;
  /** Answers that a kill swallowed; each was cleared up afterwards. */
  unknownAtFirst: number;
};

type Made = {
  paymentHash: string;
  amountMsat: Msats;
  payer: TestLightningNode;
  payee: TestLightningNode;
};

/**
 * Two embedded nodes pay each other without pause and are killed (SIGKILL) at random moments, one or
 * both. Afterwards every payment must have ended, on both sides alike; the channel must be the same
 * one, and its two sides what the payments say, to the millisatoshi.
 */
export async function run(options: {
  runs: number;
  seed: number;
  report?: (line: string) => void;
}): Promise<GateCounts> {
  const regtest = await startRegtest();
  let network: LightningNetwork | undefined;
  try {
    network = await startLightning(regtest, {
      channels: { capacitySats: CAPACITY_SATS, pushSats: PUSHED_SATS },
    });
    return await torture({ network, regtest, ...options });
  } finally {
    await network?.stop();
    await regtest.stop();
  }
}

async function torture(options: {
  network: LightningNetwork;
  regtest: Regtest;
  runs: number;
  seed: number;
  report?: (line: string) => void;
}): Promise<GateCounts> {
  const { network, runs, seed } = options;
  const [alice, bob] = [network.get('alice'), network.get('bob')];
  const random = createDice(seed);
  const counts: GateCounts = {
    ...{ violations: 0, runs, kills: 0, payments: 0, succeeded: 0, failed: 0, neverSent: 0 },
    ...{ heldSettled: 0, heldCancelled: 0, unknownAtFirst: 0 },
  };
  const made: Made[] = [];
  const before = await channelOf(alice);
  for (let round = 0; round < runs; round++) {
    await alice.untilUsable();
    const ending = new AbortController();
    const payers = [alice, bob].flatMap((payer) => {
      const payee = payer === alice ? bob : alice;
      return Array.from({ length: PAYERS_EACH_WAY }, () =>
        payOn({ payer, payee, made, counts, random, signal: ending.signal }),
      );
    });
    // In the midst of it, however slow the machine is: after so many payments and a moment.
    const enough = made.length + random.between(5, 40);
    const latestMs = performance.now() + MAX_ROUND_MS;
    while (made.length < enough && performance.now() < latestMs) await sleep(5);
    await sleep(random.between(0, 60));
    const victims = [[alice], [bob], [alice, bob]][random.between(0, 2)] ?? [];
    ending.abort();
    await Promise.all(victims.map((node) => node.kill()));
    counts.kills += victims.length;
    await Promise.all(victims.map((node) => node.restart()));
    await Promise.all(payers);
  }
  await alice.untilUsable();
  const report = (line: string): void => {
    counts.violations += 1;
    if (counts.violations <= REPORTED_FAULTS) options.report?.(line);
  };
  await audit({ alice, bob, made, counts, before, report });
  return counts;
}

type ChannelSides = { id: string; localMsat: bigint; remoteMsat: bigint; count: number };

async function channelOf(node: TestLightningNode): Promise<ChannelSides> {
  const channels = await node.node.channels();
  const [channel] = channels;
  if (channel === undefined) return { id: 'none', localMsat: 0n, remoteMsat: 0n, count: 0 };
  const { id, localMsat, remoteMsat } = channel;
  return { id, localMsat, remoteMsat, count: channels.length };
}

/** Pays invoice after invoice until told to stop; what is lost on the way is looked up later. */
async function payOn(options: {
  payer: TestLightningNode;
  payee: TestLightningNode;
  made: Made[];
  counts: GateCounts;
  random: Dice;
  signal: AbortSignal;
}): Promise<void> {
  const { payer, payee, made, counts, random, signal } = options;
  while (!signal.aborted) {
    const amountMsat = BASE_MSAT + BigInt(random.between(0, 900_000));
    const isHold = random.chance(1 / HOLD_SHARE);
    const preimage = Buffer.from(Array.from({ length: 32 }, () => random.between(0, 255)));
    const holdPaymentHash = createHash('sha256').update(preimage).digest('hex');
    const invoice = await payee.node
      .createInvoice({
        ...{ amountMsat, description: 'gate', expirySeconds: 3_600 },
        ...(isHold ? { holdPaymentHash } : {}),
      })
      .catch(() => null);
    if (invoice === null) {
      await sleep(PAUSE_AFTER_FAILURE_MS);
      continue;
    }
    const { bolt11, paymentHash } = invoice;
    made.push({ paymentHash, amountMsat, payer, payee });
    counts.payments += 1;
    const request = {
      ...{ destination: { bolt11 }, paymentHash, amountMsat, maxFeeMsat: 0n },
      ...{ timeoutMs: 30_000, waitMs: isHold ? 50 : WAIT_MS },
    };
    const outcomes = [payer.node.pay(request)];
    // Now and then somebody asks twice.
    if (random.chance(1 / 8)) outcomes.push(payer.node.pay(request));
    const settled = await Promise.all(outcomes);
    if (settled.some(({ state }) => state === 'unknown')) counts.unknownAtFirst += 1;
    if (isHold) {
      await untilHeld(payee, paymentHash);
      const settles = random.chance(1 / 2);
      const ending = settles
        ? payee.node.settleInvoice(preimage.toString('hex'))
        : payee.node.cancelInvoice(paymentHash);
      const hasEnded = await ending.then(
        () => true,
        // What did not reach the node is ended by the audit.
        () => false,
      );
      if (hasEnded && settles) counts.heldSettled += 1;
      if (hasEnded && !settles) counts.heldCancelled += 1;
    }
    if (settled[0]?.state === 'failed') await sleep(PAUSE_AFTER_FAILURE_MS);
  }
}

/** Looks for a moment: the payment may never come. */
async function untilHeld({ node }: TestLightningNode, paymentHash: string): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (performance.now() < endMs) {
    const invoice = await node.lookupInvoice(paymentHash).catch(() => null);
    if (invoice?.state !== 'open') return;
    await sleep(PAUSE_AFTER_FAILURE_MS);
  }
}

async function audit(options: {
  alice: TestLightningNode;
  bob: TestLightningNode;
  made: readonly Made[];
  counts: GateCounts;
  before: ChannelSides;
  report: (line: string) => void;
}): Promise<void> {
  const { alice, bob, made, counts, before, report } = options;
  let aliceGained = 0n;
  for (const payment of made) {
    const { paymentHash, amountMsat, payer, payee } = payment;
    await endHold(payment);
    const outcome = await untilEnded(payment).catch(() => null);
    const invoice = await payee.node.lookupInvoice(paymentHash);
    const hasArrived = invoice?.state === 'settled';
    if (outcome === null) report(`${paymentHash} is still in flight`);
    else if (outcome.state === 'succeeded') {
      counts.succeeded += 1;
      if (!hasArrived) report(`${paymentHash} is paid, but its invoice is ${invoice?.state}`);
      if (invoice?.receivedMsat !== amountMsat) report(`${paymentHash} arrived in another amount`);
      if (outcome.preimage !== invoice?.preimage) report(`${paymentHash} has a false proof`);
      aliceGained += payer === alice ? 0n - amountMsat : amountMsat;
    } else {
      if (outcome.state === 'failed') counts.failed += 1;
      else counts.neverSent += 1;
      if (hasArrived) report(`${paymentHash} is ${outcome.state}, but its invoice is settled`);
    }
  }
  await auditJournals({ alice, bob, made, report });
  for (const node of [alice, bob]) {
    const sides = await channelOf(node);
    if (sides.count !== 1 || sides.id !== before.id) report(`${node.name} has another channel`);
    const gained = node === alice ? aliceGained : -aliceGained;
    const [local, remote] =
      node === alice
        ? [before.localMsat + gained, before.remoteMsat - gained]
        : [before.remoteMsat + gained, before.localMsat - gained];
    if (sides.localMsat !== local) report(`${node.name} has ${sides.localMsat}, not ${local}`);
    if (sides.remoteMsat !== remote) report(`${node.name} sees ${sides.remoteMsat} of the other`);
  }
}

/** A hold invoice whose end a kill swallowed is given back. */
async function endHold({ payee, paymentHash }: Made): Promise<void> {
  const invoice = await payee.node.lookupInvoice(paymentHash);
  if (invoice?.state === 'held') await payee.node.cancelInvoice(paymentHash);
}

async function untilEnded({ payer, payee, paymentHash }: Made) {
  let outcome = await payer.node.trackPayment(paymentHash);
  await until(`the end of ${paymentHash}`, async () => {
    // It may be held only now, after the payer has come back.
    await endHold({ payer, payee, paymentHash, amountMsat: 0n });
    outcome = await payer.node.trackPayment(paymentHash);
    return outcome.state !== 'in_flight' && outcome.state !== 'unknown';
  });
  return outcome;
}

/** Every end is told at least once, to whoever reads on from any cursor. */
async function auditJournals(options: {
  alice: TestLightningNode;
  bob: TestLightningNode;
  made: readonly Made[];
  report: (line: string) => void;
}): Promise<void> {
  const { alice, bob, made, report } = options;
  for (const node of [alice, bob]) {
    const told = new Set<string>();
    let cursor: string | null = null;
    for (let hasMore = true; hasMore; ) {
      const page = await node.node.eventsSince(cursor, 200);
      for (const event of page.events) told.add(`${event.type} ${event.paymentHash}`);
      ({ cursor, hasMore } = page);
    }
    for (const { payer, payee, paymentHash } of made) {
      if (payee === node) {
        const invoice = await node.node.lookupInvoice(paymentHash);
        const isTold = told.has(`invoice_settled ${paymentHash}`);
        if ((invoice?.state === 'settled') !== isTold) report(`${paymentHash}: wrongly told`);
      }
      if (payer === node) {
        const outcome = await node.node.trackPayment(paymentHash);
        const isTold = told.has(`payment_ended ${paymentHash}`);
        const hasEnded = outcome.state === 'succeeded' || outcome.state === 'failed';
        if (hasEnded && !isTold) report(`${paymentHash}: its end is not told`);
      }
    }
  }
}
