import { isUuid, MAX_SATS } from '@quittance/kernel';
import {
  type Approval,
  NAME,
  type PayoutRequest,
  type SignKind,
  type SignParams,
  signKinds,
} from '../protocol.ts';
import { Refusal } from '../refusals.ts';

/** A payout of a request, read. */
export type Payout = Omit<PayoutRequest, 'approvals'> & {
  approvals: readonly Approval[];
  amount: bigint;
  maxFeeShare: bigint;
};

/** A request whose form is right; what it says is still to be checked. */
export type SignRequest = {
  requestId: string;
  wallet: string;
  kind: SignKind;
  psbt: Uint8Array;
  payouts: readonly Payout[];
};

/** Every output of the largest standard transaction is a payout. */
const MAX_PAYOUTS = 3_200;
const MAX_APPROVALS_PER_PAYOUT = 20;
/** Largest script that an address can name: a witness program of 40 bytes. */
const MAX_SCRIPT_BYTES = 42;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const AMOUNT = /^(?:0|[1-9][0-9]{0,15})$/;
const SCRIPT = /^(?:[0-9a-f]{2})+$/;

/** @throws {Refusal} request_malformed, psbt_malformed, duplicate_payout, payouts_not_fitting_kind */
export function readSignRequest(value: unknown): SignRequest {
  const fields = objectOf(value, 'params', ['requestId', 'wallet', 'kind', 'psbt', 'payouts']);
  const { requestId, wallet, kind, psbt, payouts } = fields as Partial<SignParams>;
  if (typeof requestId !== 'string' || !NAME.test(requestId)) throw malformed('requestId');
  if (typeof wallet !== 'string' || !NAME.test(wallet)) throw malformed('wallet');
  if (kind === undefined || !signKinds.includes(kind)) throw malformed('kind');
  if (typeof psbt !== 'string') throw malformed('psbt');
  if (psbt.length % 4 !== 0 || !BASE64.test(psbt)) {
    throw new Refusal('psbt_malformed', 'the PSBT is not base64');
  }
  if (!Array.isArray(payouts) || payouts.length > MAX_PAYOUTS) throw malformed('payouts');
  const read = payouts.map((each, i) => readPayout(each, `payouts[${i}]`));
  if (new Set(read.map(({ payoutId }) => payoutId)).size !== read.length) {
    throw new Refusal('duplicate_payout', 'a payout stands in the request twice');
  }
  const wantsPayouts = kind === 'payouts' || kind === 'cancel';
  if (wantsPayouts !== read.length > 0) {
    const what = wantsPayouts ? 'names at least one payout' : 'names no payout';
    throw new Refusal('payouts_not_fitting_kind', `a request of kind "${kind}" ${what}`);
  }
  return { requestId, wallet, kind, psbt: Buffer.from(psbt, 'base64'), payouts: read };
}

function readPayout(value: unknown, at: string): Payout {
  const names = ['payoutId', 'script', 'amountSats', 'feeFrom', 'maxFeeShareSats', 'approvals'];
  const fields = objectOf(value, at, names) as Partial<PayoutRequest>;
  const { payoutId, script, amountSats, feeFrom, maxFeeShareSats, approvals } = fields;
  if (typeof payoutId !== 'string' || !isUuid(payoutId)) throw malformed(`${at}.payoutId`);
  const isScript =
    typeof script === 'string' && script.length <= 2 * MAX_SCRIPT_BYTES && SCRIPT.test(script);
  if (!isScript) throw malformed(`${at}.script`);
  const amount = readAmount(amountSats, `${at}.amountSats`);
  const maxFeeShare = readAmount(maxFeeShareSats, `${at}.maxFeeShareSats`);
  if (amount === 0n) throw malformed(`${at}.amountSats`);
  if (feeFrom !== 'sender' && feeFrom !== 'recipient') throw malformed(`${at}.feeFrom`);
  const isShareRight = feeFrom === 'sender' ? maxFeeShare === 0n : maxFeeShare < amount;
  if (!isShareRight) throw malformed(`${at}.maxFeeShareSats`);
  if (!Array.isArray(approvals) || approvals.length > MAX_APPROVALS_PER_PAYOUT) {
    throw malformed(`${at}.approvals`);
  }
  return {
    ...{ payoutId, script, feeFrom, amount, maxFeeShare },
    amountSats: String(amount),
    maxFeeShareSats: String(maxFeeShare),
    approvals: approvals.map((each, i) => readApproval(each, `${at}.approvals[${i}]`)),
  };
}

function readApproval(value: unknown, at: string): Approval {
  const names = ['approver', 'expiresAtMs', 'signature'];
  const { approver, expiresAtMs, signature } = objectOf(value, at, names) as Partial<Approval>;
  if (typeof approver !== 'string' || !NAME.test(approver)) throw malformed(`${at}.approver`);
  if (expiresAtMs === undefined || !Number.isSafeInteger(expiresAtMs) || expiresAtMs < 0) {
    throw malformed(`${at}.expiresAtMs`);
  }
  if (typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) {
    throw malformed(`${at}.signature`);
  }
  return { approver, expiresAtMs, signature };
}

function readAmount(value: unknown, at: string): bigint {
  if (typeof value !== 'string' || !AMOUNT.test(value)) throw malformed(at);
  const amount = BigInt(value);
  if (amount > MAX_SATS) throw malformed(at);
  return amount;
}

/** A name that is not known is refused: it may be meant as a limit by who wrote it. */
function objectOf(value: unknown, at: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at);
  if (Object.keys(value).some((name) => !names.includes(name))) throw malformed(at);
  return value as Record<string, unknown>;
}

/** Says where, never what: the value may be long or a secret in the wrong place. */
function malformed(at: string): Refusal {
  return new Refusal('request_malformed', `${at} is missing or not of its form`);
}
