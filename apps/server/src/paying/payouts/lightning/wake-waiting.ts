import type { Uuid } from '@quittance/kernel';
import { checkLiquidity, type NodeFacts, OWN_SIDE_CODES } from '../../lightning/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { lightningPayout, type Payout } from '../payout.ts';
import { readPayoutPolicy } from '../policy-store.ts';
import { lockPayout } from '../store.ts';
import { applyPayoutEvent } from '../transition.ts';
import { writePayouts } from '../write-payouts.ts';
import type { LightningPayoutDeps, OwnPayout } from './deps.ts';
import { readWaitingForNode } from './due-store.ts';
import { strategyOf } from './next-try.ts';
import { findLightningPayer } from './processor-store.ts';

/** Payouts that one round looks at, the longest waiting first. */
const LOOKED_AT = 200;
/** What is due so soon needs no waking. */
const SOON_MS = 2_000;

/**
 * Ends the pause of payouts that wait for our own node, a peer or a channel of it, as soon as that
 * is there again: they failed by it, not by the destination, so nothing is gained by waiting longer.
 * Each node is asked once in a round, and only while somebody waits for it.
 */
export async function wakeWaitingPayouts(
  deps: Pick<LightningPayoutDeps, 'database' | 'clock' | 'ids' | 'nodes' | 'listener' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const afterMs = deps.clock.nowMs() + SOON_MS;
  const which = { afterMs, codes: OWN_SIDE_CODES, limit: LOOKED_AT };
  const waiting = await deps.database.asSystem((tx) => readWaitingForNode(tx, which));
  const facts = new Map<Uuid, NodeFacts | null>();
  for (const { amountMsat, ...own } of waiting) {
    if (signal.aborted) return;
    const { merchantId } = own;
    if (!facts.has(merchantId)) facts.set(merchantId, await readFacts(deps, merchantId));
    const node = facts.get(merchantId) ?? null;
    if (node === null || !node.info.synced || checkLiquidity(node, amountMsat) !== null) continue;
    await hasten(deps, own);
  }
}

/** Null while the node does not answer. */
async function readFacts(
  { nodes }: Pick<LightningPayoutDeps, 'nodes'>,
  merchantId: Uuid,
): Promise<NodeFacts | null> {
  try {
    const connected = await nodes.connectionOf(merchantId);
    if (connected === null) return null;
    const { node } = connected;
    const [info, balances, channels] = await Promise.all([
      node.info(),
      node.balances(),
      node.capabilities.channels ? node.channels() : null,
    ]);
    return { info, balances, channels };
  } catch {
    // Whoever observes nodes tells of it.
    return null;
  }
}

/** Where a person decides when it is sent, a peer that is back decides nothing. */
async function isForPerson(tx: Tx, payout: Payout): Promise<boolean> {
  const { merchantId } = payout;
  const processor = await findLightningPayer(tx, merchantId);
  const policy = await readPayoutPolicy(tx, merchantId);
  const rules = { processor: processor?.settings, policy };
  return strategyOf(lightningPayout(payout), rules).kind === 'manual';
}

async function hasten(
  deps: Pick<LightningPayoutDeps, 'database' | 'clock' | 'ids' | 'listener' | 'log'>,
  own: OwnPayout,
): Promise<void> {
  await deps.database.asSystem(async (tx) => {
    const before = await lockPayout(tx, own);
    const nowMs = deps.clock.nowMs();
    if (before === undefined || (await isForPerson(tx, before))) return;
    const step = applyPayoutEvent(before, { type: 'hastened', atMs: nowMs });
    // Somebody was faster, or it has ended.
    if (!step.ok) return;
    await writePayouts(tx, deps, { telling: { ids: deps.ids, nowMs }, moves: [{ before, step }] });
    deps.log.info({ ...own }, 'a payout goes on: our own node can send again');
  });
}
