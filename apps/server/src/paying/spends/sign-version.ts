import { createHash } from 'node:crypto';
import { checkSignedPsbt, finalizePsbt, psbtToBase64 } from '@quittance/bitcoin';
import { assert, toHex } from '@quittance/kernel';
import {
  type SignerClient,
  SignerRefusedError,
  SignerUnavailableError,
  SignerUnknownError,
} from '@quittance/signer/client';
import type { SignKind, SignParams } from '@quittance/signer/protocol';
import type { Tx } from '../../platform/db/index.ts';
import { readWalletForSpending } from '../coins/index.ts';
import { applyEvent, holdSpend, tellingNow } from './apply-event.ts';
import { backOffMs } from './back-off.ts';
import type { SpendDeps } from './deps.ts';
import { versionOf } from './draft.ts';
import { spendFaultPoint } from './fault-points.ts';
import { record } from './record.ts';
import type { SpendKind, SpendVersion } from './spend.ts';
import { readVersionBytes, type StoredSpend, saveSignature } from './store.ts';
import type { SpendEvent } from './transition.ts';

/**
 * Has a version signed by the signer process and stores what comes back before anything is done
 * with it. Asked twice, the signer gives the same answer to the same request.
 * @returns whether there is something to be done at once
 */
export async function signVersion(
  deps: SpendDeps,
  stored: StoredSpend,
  version: SpendVersion,
): Promise<boolean> {
  const { spend } = stored;
  const of = { spendId: spend.id, version: version.version };
  const { psbt, wallet } = await deps.database.asSystem(async (tx) => ({
    ...(await readVersionBytes(tx, of)),
    wallet: await readWalletForSpending(tx, spend.walletId),
  }));
  const name = wallet?.signerWallet ?? null;
  if (name === null || deps.signer === null) {
    await record(deps, spend.id, () => ({ ...of, type: 'awaiting-signature' }));
    return false;
  }
  spendFaultPoint('spend-sign-before');
  const answer = await ask(deps.signer, signRequest(stored, version, { psbt, wallet: name }));
  spendFaultPoint('spend-signed-unsaved');
  if (!answer.ok) {
    deps.notices?.signed?.(answer.refused ? 'refused' : 'unavailable');
    deps.log.warn({ ...of, detail: answer.detail }, 'the signer did not sign');
    await record(deps, spend.id, (held) => signingFailed(deps, held, version, answer));
    return answer.refused;
  }
  const outcome = await deps.database.asSystem((tx) =>
    storeSignatures(tx, deps, { ...of, returned: answer.psbt }),
  );
  spendFaultPoint('spend-signed-saved');
  deps.notices?.signed?.('signed');
  if (outcome.type === 'refused') {
    // Not a refusal: it may have signed, and what it gave back is not what was asked for.
    await record(deps, spend.id, (held) =>
      signingFailed(deps, held, version, { refused: false, retry: true, detail: outcome.reason }),
    );
    return false;
  }
  return outcome.type === 'complete';
}

export type SignatureOutcome =
  | { type: 'complete' | 'incomplete' | 'not-wanted'; added: number }
  | { type: 'refused'; code: string; reason: string };

/**
 * Takes the signatures of a returned PSBT into the one that is stored; with enough of them the
 * transaction is finished and stored, and from then on may be sent.
 */
export async function storeSignatures(
  tx: Tx,
  deps: Pick<SpendDeps, 'ids' | 'clock' | 'listener'>,
  signed: {
    spendId: string;
    version: number;
    returned: Uint8Array | string;
  },
): Promise<SignatureOutcome> {
  const { spendId, version } = signed;
  const held = await holdSpend(tx, deps.listener, spendId);
  assert(held !== undefined, 'storeSignatures: there is no such spend');
  if (versionOf(held, version).state !== 'planned') return { type: 'not-wanted', added: 0 };
  const { psbt } = await readVersionBytes(tx, { spendId, version });
  const checked = checkSignedPsbt(psbt, signed.returned);
  if (!checked.ok) return { type: 'refused', code: checked.code, reason: checked.reason };
  const { added } = checked;
  if (!checked.isComplete) {
    await saveSignature(tx, { spendId, version, psbt: checked.psbt, raw: null });
    const telling = await tellingNow(tx, deps);
    const event = { type: 'awaiting-signature', version } as const;
    await applyEvent(tx, { listener: deps.listener, telling }, held, event);
    return { type: 'incomplete', added };
  }
  const finished = finalizePsbt(checked.psbt);
  assert(finished.ok, 'a PSBT with all signatures can be finished');
  const { raw, txid, vsize } = finished;
  const planned = versionOf(held, version).txid;
  assert(planned === null || planned === txid, 'signing has changed the transaction');
  await saveSignature(tx, { spendId, version, psbt: checked.psbt, raw });
  const telling = await tellingNow(tx, deps);
  const event = { type: 'signed', version, txid, vsize, nowMs: telling.nowMs } as const;
  await applyEvent(tx, { listener: deps.listener, telling }, held, event);
  return { type: 'complete', added };
}

const SIGN_KINDS: Readonly<Record<SpendKind, SignKind>> = {
  payouts: 'payouts',
  consolidation: 'consolidation',
  child: 'bump-child',
};

function signRequest(
  { spend, outputs }: StoredSpend,
  version: SpendVersion,
  { psbt, wallet }: { psbt: Uint8Array; wallet: string },
): SignParams {
  const cancels = version.purpose === 'cancel' && outputs.length > 0;
  // With the content in its name: a PSBT that has got others' signatures is another request.
  const content = createHash('sha256').update(psbt).digest('hex').slice(0, 8);
  return {
    requestId: `${spend.id}.${version.version}.${content}`,
    wallet,
    // A spend without payouts that is cancelled is a consolidation of its own coins.
    kind: cancels
      ? 'cancel'
      : version.purpose === 'cancel'
        ? 'consolidation'
        : SIGN_KINDS[spend.kind],
    psbt: psbtToBase64(psbt),
    payouts: outputs.map((output) => ({
      payoutId: output.payoutId,
      script: toHex(output.script),
      amountSats: output.amountSats.toString(),
      feeFrom: output.feeFrom,
      maxFeeShareSats: output.maxFeeShareSats.toString(),
      approvals: output.approvals,
    })),
  };
}

type Failure = { refused: boolean; retry: boolean; detail: string };

/** Refusals that pass by themselves; the payouts may be tried in a new spend then. */
const PASSING: readonly string[] = ['window_amount', 'window_count', 'fee_rate_too_high'];

async function ask(
  signer: Pick<SignerClient, 'sign'>,
  params: SignParams,
): Promise<{ ok: true; psbt: string } | ({ ok: false } & Failure)> {
  try {
    const { psbt } = await signer.sign(params);
    return { ok: true, psbt };
  } catch (error) {
    if (error instanceof SignerRefusedError) {
      const { code, refusalClass, message } = error;
      const isBusy = refusalClass === 'unavailable' || code === 'too_many_requests';
      const detail = `${code}: ${message}`;
      return { ok: false, refused: !isBusy, retry: PASSING.includes(code), detail };
    }
    if (error instanceof SignerUnavailableError || error instanceof SignerUnknownError) {
      return { ok: false, refused: false, retry: true, detail: error.message };
    }
    throw error;
  }
}

function signingFailed(
  deps: Pick<SpendDeps, 'clock' | 'random'>,
  { spend }: StoredSpend,
  { version }: SpendVersion,
  { refused, retry, detail }: Failure,
): SpendEvent {
  if (refused) return { type: 'signing-refused', version, detail, retry };
  const retryAtMs = deps.clock.nowMs() + backOffMs(spend.attempts, deps.random);
  return { type: 'signer-unavailable', detail, retryAtMs };
}
