import type { Clock } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type {
  KnownOfPayouts,
  PayoutToScreen,
  Screening,
  ScreenPayouts,
} from '../../paying/payouts/index.ts';
import { type DestinationLists, type Look, lookAtPayouts, noteIdentifier } from './look.ts';
import { readListEpoch, ringChecks, writeHold } from './store.ts';

export type ScreenDeps = {
  clock: Clock;
  lists: DestinationLists;
  /** The switch of lists that this process has read; left out: it always has the newest. */
  epoch?: () => bigint;
  /** What else holds payouts, with a reason that whoever sees payouts may read: the Travel Rule. */
  also: ScreenPayouts;
};

/**
 * What is told outside of compliance, whatever was found: one sentence for a list, a block and an
 * undecided hit alike, since those who read it may be whom it is about.
 */
const NEUTRAL = 'a check before payment is not over';

/**
 * Answers in the transaction that commits to pay. The customers whose orders are refunded stay as they
 * are until it ends, and lists are asked as they are in force: a process that has not read the newest
 * switch yet holds what it would have to guess about.
 */
export function payoutScreen(deps: ScreenDeps): ScreenPayouts {
  return async (tx, payouts, known) => {
    if (payouts.length === 0) return new Map();
    const nowMs = deps.clock.nowMs();
    const looks = await lookAtPayouts(tx, { ...deps, nowMs, lock: true }, payouts, known);
    const isBehind = deps.epoch !== undefined && (await readListEpoch(tx)) > deps.epoch();
    const answers = await answersFor(tx, deps, { payouts, known, looks, isBehind });
    await noteFetched(tx, { payouts, looks, nowMs });
    // Whoever waits gets his case, or goes on once this process has read the lists.
    if ([...answers.values()].some(({ ok }) => !ok)) await ringChecks(tx);
    return answers;
  };
}

/** The same for who only looks, such as a dry run: nothing is locked, noted or rung. */
export function payoutPreview(deps: Omit<ScreenDeps, 'epoch'>): ScreenPayouts {
  return async (tx, payouts, known) => {
    if (payouts.length === 0) return new Map();
    const how = { ...deps, nowMs: deps.clock.nowMs(), lock: false };
    const looks = await lookAtPayouts(tx, how, payouts, known);
    return await answersFor(tx, deps, { payouts, known, looks, isBehind: false });
  };
}

async function answersFor(
  tx: Tx,
  { also }: Pick<ScreenDeps, 'also'>,
  given: {
    payouts: readonly PayoutToScreen[];
    known: KnownOfPayouts | undefined;
    looks: ReadonlyMap<string, Look>;
    isBehind: boolean;
  },
): Promise<Map<string, Screening>> {
  const { payouts, known, looks, isBehind } = given;
  const answers = new Map<string, Screening>(await also(tx, payouts, known));
  for (const { id } of payouts) {
    const look = looks.get(id);
    const isFine = look?.verdict.kind === 'fine' && !(isBehind && look.usesLists);
    if (!isFine) answers.set(id, { ok: false, reason: NEUTRAL });
  }
  return answers;
}

/** Whom a fetched invoice names is known to nobody else: it is kept where it holds the payout. */
async function noteFetched(
  tx: Tx,
  given: {
    payouts: readonly PayoutToScreen[];
    looks: ReadonlyMap<string, Look>;
    nowMs: number;
  },
): Promise<void> {
  const { payouts, looks, nowMs } = given;
  for (const { merchantId, id: payoutId } of payouts) {
    const look = looks.get(payoutId);
    if (look === undefined || look.verdict.kind !== 'held' || look.fetched.length === 0) continue;
    const { hold, fetched } = look;
    const names = new Set(hold?.identifiers ?? []);
    const fresh = fetched.map(noteIdentifier).filter((name) => !names.has(name));
    if (fresh.length === 0) continue;
    const none = { found: [], released: [], caseId: null, version: 0 };
    const before = hold ?? { ...none, merchantId, payoutId, state: 'noted' as const };
    // The oldest go first: a service that names another node each time must not fill the row.
    const identifiers = [...names, ...fresh].slice(-MAX_IDENTIFIERS);
    await writeHold(tx, { ...before, identifiers, version: before.version + 1 }, nowMs);
  }
}

const MAX_IDENTIFIERS = 100;
