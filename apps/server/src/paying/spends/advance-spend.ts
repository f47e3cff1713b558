import type { Uuid } from '@quittance/kernel';
import { heldBecause } from '../guard/index.ts';
import { backOffMs, CHECK_EVERY_MS, CHECK_UNSEEN_MS } from './back-off.ts';
import { broadcast, broadcastPackage, isInMempool, resendAncestors } from './broadcast.ts';
import type { SpendDeps } from './deps.ts';
import { hasEnded } from './draft.ts';
import { spendFaultPoint } from './fault-points.ts';
import { makeAnotherVersion } from './make-another-version.ts';
import { nextStep, type Step } from './next-step.ts';
import { record } from './record.ts';
import { signVersion } from './sign-version.ts';
import type { SpendVersion } from './spend.ts';
import { isOnRecord, readUnconfirmedAncestors } from './chain-store.ts';
import { readSpends, readVersionBytes, type StoredSpend } from './store.ts';
import type { SpendEvent } from './transition.ts';

/** Steps of one call: signing, sending, a raised fee, and again; what is left is done later. */
const MAX_STEPS = 6;

/**
 * Does what is to be done for a spend now: has it signed, stores the bytes, gives them to the node,
 * records the outcome. May be called at any time, by any number of workers, after any crash: each
 * step looks anew at what is stored, writes its intent before its effect, and an effect that comes
 * twice is the same bytes again.
 * @returns the spend as it is after, or undefined when there is none
 */
export async function advanceSpend(
  deps: SpendDeps,
  spendId: Uuid,
): Promise<StoredSpend | undefined> {
  let last = '';
  for (let done = 0; done < MAX_STEPS; done++) {
    const { stored, isHeld } = await readForStep(deps, spendId);
    if (stored === undefined) return undefined;
    if (isHeld) break;
    const step = nextStep(stored, deps.clock.nowMs());
    // What has just been tried is tried again only after its pause.
    const name = `${step.type} ${'version' in step ? step.version.version : ''}`;
    if (name === last) break;
    last = name;
    if (!(await takeStep(deps, stored, step))) break;
  }
  const [after] = await deps.database.asSystem((tx) => readSpends(tx, [spendId]));
  return after;
}

/** What is signed or sent of a wallet that is held waits, from the next step on. */
async function readForStep({ database }: SpendDeps, spendId: Uuid) {
  return await database.asSystem(async (tx) => {
    const [stored] = await readSpends(tx, [spendId]);
    const reason = stored === undefined ? null : await heldBecause(tx, stored.spend.walletId);
    return { stored, isHeld: reason !== null };
  });
}

/** @returns whether to look for another step at once */
async function takeStep(deps: SpendDeps, stored: StoredSpend, step: Step): Promise<boolean> {
  switch (step.type) {
    case 'nothing':
      return false;
    case 'sign':
      return await signVersion(deps, stored, step.version);
    case 'send':
      return await sendVersion(deps, stored, step.version);
    case 'check':
      return await checkVersion(deps, stored, step.version);
    case 'another-version':
      return await makeAnotherVersion(deps, stored, step.why);
  }
}

/** Is it still in the mempool? If not, the same bytes are sent again. */
async function checkVersion(
  deps: SpendDeps,
  stored: StoredSpend,
  version: SpendVersion,
): Promise<boolean> {
  const found = version.txid === null ? false : await isInMempool(deps.node, version.txid);
  if (found === false) return await sendVersion(deps, stored, version);
  const nowMs = deps.clock.nowMs();
  const { txid } = version;
  const isSeen = txid !== null && (await deps.database.asSystem((tx) => isOnRecord(tx, txid)));
  const nextCheckAtMs = nowMs + (isSeen ? CHECK_EVERY_MS : CHECK_UNSEEN_MS);
  await record(deps, stored.spend.id, ({ spend }) =>
    found === true
      ? { type: 'sent', version: version.version, nextCheckAtMs }
      : {
          type: 'unknown',
          version: version.version,
          detail: found.detail,
          retryAtMs: nowMs + backOffMs(spend.attempts, deps.random),
        },
  );
  return false;
}

async function sendVersion(
  deps: SpendDeps,
  stored: StoredSpend,
  { version, exposed, inputs }: SpendVersion,
): Promise<boolean> {
  const spendId = stored.spend.id;
  const { raw } = await deps.database.asSystem((tx) => readVersionBytes(tx, { spendId, version }));
  if (raw === null) return false;
  /** Nobody is sent it before the intent is durable, and not at all when the spend has ended. */
  async function beforeSending(): Promise<boolean> {
    const after = await record(deps, spendId, () => ({ type: 'sending', version }));
    spendFaultPoint('spend-send-intended');
    const current = after?.versions.find((each) => each.version === version);
    return after !== undefined && !hasEnded(after.spend.state) && current?.exposed === true;
  }
  // What nobody else can have is shown to the node first, which does not give it on: a refusal is
  // then certain.
  let answer = await broadcast(deps.node, raw, { testFirst: !exposed, beforeSending });
  if (stored.spend.kind === 'child' && answer?.type === 'refused' && answer.verdict !== 'never') {
    const parents = await deps.database.asSystem((tx) => readUnconfirmedAncestors(tx, inputs, 1));
    if (parents.length > 0) {
      answer = await broadcastPackage(deps.node, { parents, child: raw }, beforeSending);
    }
  }
  if (answer?.type === 'refused' && answer.verdict === 'inputs_gone') {
    // The node may have lost what it builds on, such as a payment of a customer's.
    const lost = await deps.database.asSystem((tx) => readUnconfirmedAncestors(tx, inputs));
    await resendAncestors(deps.node, lost);
    if (lost.length > 0) {
      answer = await broadcast(deps.node, raw, { testFirst: !exposed, beforeSending });
    }
  }
  if (answer === null) return false;
  spendFaultPoint('spend-sent-unsaved');
  const nowMs = deps.clock.nowMs();
  await record(deps, spendId, ({ spend }): SpendEvent => {
    const retryAtMs = nowMs + backOffMs(spend.attempts, deps.random);
    switch (answer.type) {
      case 'has-it':
        return { type: 'sent', version, nextCheckAtMs: nowMs + CHECK_UNSEEN_MS };
      case 'refused':
        return {
          type: 'refused',
          version,
          verdict: answer.verdict,
          detail: answer.detail,
          retryAtMs,
        };
      case 'not-asked':
      case 'unknown':
        return { type: 'unknown', version, detail: answer.detail, retryAtMs };
    }
  });
  spendFaultPoint('spend-sent-saved');
  const outcome = { 'has-it': 'sent', 'not-asked': 'not_asked' } as const;
  deps.notices?.sent?.(
    answer.type === 'has-it' || answer.type === 'not-asked' ? outcome[answer.type] : answer.type,
  );
  if (answer.type !== 'has-it') {
    deps.log.warn({ spendId, version, ...answer }, 'a transaction of ours was not taken');
  }
  return answer.type === 'refused';
}
