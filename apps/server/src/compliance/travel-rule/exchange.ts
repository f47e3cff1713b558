import {
  type CreateTravelTransfer,
  type TrpResolution,
  trpResolutionSchema,
} from '@quittance/contract';
import { type Clock, type Ids, type Random, toHex, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { OutboundPoster, PostAnswer } from '../../platform/outbound/index.ts';
import { noSuchTransfer, refusalError, wrongMessage } from './errors.ts';
import {
  accountOf,
  composeMessage,
  inquiryBody,
  isBitcoin,
  satsOf,
  TRP_VERSION,
} from './message.ts';
import {
  countReceived,
  findMerchantByToken,
  insertTransfer,
  lockByToken,
  lockTransfer,
  type OwnTransfer,
  readPayoutFacts,
  readSettingsRow,
  readTransferRow,
  updateTransfer,
} from './store.ts';
import { changeTransfer, proofMessage, type TravelEvent, type TravelTransfer } from './transfer.ts';
import { verifyIvms101 } from './verify-ivms101.ts';

export type TravelDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  /** Where others reach this server, without a slash at the end. */
  publicUrl: string;
  poster: OutboundPoster;
  /** Whether the owner of an address (BIP-322), or the node that is paid by an invoice, signed. */
  verifyProof(signed: { message: string; address: string; signature: string }): boolean;
};

/** Inquiries that wait for a person; more than anybody answers in a day are somebody's flood. */
const MAX_RECEIVED = 1_000;

export function newToken(random: Random): string {
  return toHex(random(new Uint8Array(16)));
}

export function inquiryUrl(publicUrl: string, token: string): string {
  return `${publicUrl}/trp/${token}/inquiry`;
}

/**
 * Says who gets a payout: a provider's customer, with the message for him, or a wallet of one's own.
 * @throws {AppError} not_found, conflict, invalid_request
 */
export async function createTransfer(
  tx: Tx,
  deps: TravelDeps,
  given: CreateTravelTransfer & { merchantId: Uuid; by: string; nowMs: number },
): Promise<TravelTransfer> {
  const { merchantId, payoutId, counterparty, by, nowMs } = given;
  const payout = await readPayoutFacts(tx, { merchantId, id: payoutId });
  if (payout === undefined) throw new AppError('not_found', 'There is no such payout.');
  const isOwn = counterparty.kind === 'self_hosted';
  const message = isOwn ? null : await messageOf(tx, { merchantId, counterparty, payout, nowMs });
  const id = deps.ids.next();
  const transfer: TravelTransfer = {
    ...{ merchantId, id, direction: 'out', counterparty: counterparty.kind },
    state: isOwn ? 'awaiting_proof' : 'draft',
    payoutId: payoutId as Uuid,
    ...{ amountSats: payout.amountSats, address: payout.destination, message },
    remoteUrl: counterparty.kind === 'vasp' ? counterparty.url : null,
    callbackToken: isOwn ? null : newToken(deps.random),
    requestId: id,
    ...{ txid: null, reason: null, proof: null, decidedBy: null, createdBy: by },
    ...{ createdAtMs: nowMs, updatedAtMs: nowMs, version: 1 },
  };
  await insertTransfer(tx, transfer).catch((error: unknown) => {
    if (!isTaken(error)) throw error;
    throw new AppError('conflict', 'An exchange about this payout is under way.');
  });
  return transfer;
}

/** 23505 is unique_violation (PostgreSQL, appendix A). */
function isTaken(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '23505';
}

async function messageOf(
  tx: Tx,
  given: {
    merchantId: Uuid;
    counterparty: Extract<CreateTravelTransfer['counterparty'], { kind: 'vasp' }>;
    payout: { destination: string };
    nowMs: number;
  },
) {
  const stored = await readSettingsRow(tx, given.merchantId);
  if (stored === undefined) {
    throw new AppError(
      'conflict',
      'Say first who you are: PUT /v1/compliance/travel-rule/settings.',
    );
  }
  const { originator, beneficiary, provider } = given.counterparty;
  const parts = { originator, beneficiary, provider, account: accountOf(given.payout.destination) };
  const verified = verifyIvms101(composeMessage(stored.settings, parts), dayOf(given.nowMs));
  if (!verified.ok) throw wrongMessage(verified.findings);
  return verified.message;
}

/**
 * Sends the inquiry of an exchange, and again the same one: the other side knows it by its number.
 * It is written down before, so that an answer that comes at once finds it.
 * @throws {AppError} not_found, conflict
 */
export async function sendInquiry(deps: TravelDeps, own: OwnTransfer): Promise<TravelTransfer> {
  const found = await read(deps, own);
  const { state, message, remoteUrl, callbackToken, amountSats, requestId } = found;
  if (state !== 'draft' || message === null || remoteUrl === null || callbackToken === null) {
    throw refusalError('not_now');
  }
  const callback = `${deps.publicUrl}/trp/callbacks/${callbackToken}`;
  const body = inquiryBody({ message, amountSats, callback });
  const answer = await deps.poster.post(remoteUrl, { headers: headersOf(requestId), body });
  const events = eventsOf(answer);
  return await inTransaction(deps, own, events);
}

function headersOf(requestId: string): Record<string, string> {
  return { 'api-version': TRP_VERSION, 'request-identifier': requestId };
}

function eventsOf(answer: PostAnswer): TravelEvent[] {
  if (!answer.ok) return [{ kind: 'not_sent', reason: answer.reason }];
  if (answer.status < 200 || answer.status > 299) {
    return [{ kind: 'not_sent', reason: `it answers ${answer.status}` }];
  }
  const parsed = trpResolutionSchema.safeParse(jsonOf(answer.body));
  if (!parsed.success) return [{ kind: 'not_sent', reason: 'its answer is not of TRP' }];
  const resolution = resolutionOf(parsed.data);
  return resolution === null ? [{ kind: 'sent' }] : [resolution];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** null: the other side has it and will say later. */
function resolutionOf(resolution: TrpResolution): TravelEvent | null {
  if ('approved' in resolution) {
    const { address, callback } = resolution.approved as { address: string; callback: string };
    return { kind: 'approved', address, remoteUrl: callback, by: null };
  }
  if ('rejected' in resolution) {
    return { kind: 'rejected', reason: String(resolution.rejected), by: null };
  }
  return null;
}

/** The other side's answer to our inquiry. Told twice, it changes nothing. */
export async function resolveInquiry(
  deps: TravelDeps,
  token: string,
  resolution: TrpResolution,
): Promise<void> {
  const event = resolutionOf(resolution);
  if (event === null) throw new AppError('invalid_request', 'Say approved or rejected.');
  await byToken(deps, token, event, 'out');
}

/** The other side says that it has paid, or will not. */
export async function confirmInbound(
  deps: TravelDeps,
  token: string,
  told: { txid: string } | { canceled: string },
): Promise<void> {
  const event: TravelEvent =
    'txid' in told
      ? { kind: 'confirmed', txid: told.txid.toLowerCase() }
      : { kind: 'cancelled', reason: told.canceled };
  await byToken(deps, token, event, 'in');
}

async function byToken(
  deps: TravelDeps,
  token: string,
  event: TravelEvent,
  direction: 'in' | 'out',
): Promise<void> {
  await deps.database.asPublic(async (tx) => {
    const before = await lockByToken(tx, token);
    if (before === undefined || before.direction !== direction) throw noSuchTransfer();
    await apply(tx, before, event, deps.clock.nowMs());
  });
}

/**
 * Takes in another provider's inquiry; a person answers it. The same one sent again is the same.
 * @throws {AppError} not_found, invalid_request
 */
export async function receiveInquiry(
  deps: TravelDeps,
  given: {
    token: string;
    requestId: string;
    inquiry: {
      asset: { slip0044?: string | number | undefined; dti?: string | undefined };
      amount: string | number;
      callback: string;
      IVMS101: unknown;
    };
  },
): Promise<void> {
  const { token, requestId, inquiry } = given;
  const nowMs = deps.clock.nowMs();
  const amountSats = satsOf(String(inquiry.amount));
  if (!isBitcoin(inquiry.asset)) throw fieldError('/asset', 'only bitcoin is taken here');
  if (amountSats === null) throw fieldError('/amount', 'is no amount of bitcoin');
  const verified = verifyIvms101(inquiry.IVMS101, dayOf(nowMs));
  if (!verified.ok) {
    throw wrongMessage(
      verified.findings.map(({ pointer, detail }) => ({ pointer: `/IVMS101${pointer}`, detail })),
    );
  }
  await deps.database.asPublic(async (tx) => {
    const merchantId = await findMerchantByToken(tx, token);
    if (merchantId === undefined) throw noSuchTransfer();
    if ((await countReceived(tx, merchantId, MAX_RECEIVED)) >= MAX_RECEIVED) {
      throw new AppError('overloaded', 'Too many inquiries wait for an answer here.');
    }
    await insertTransfer(tx, {
      ...{ merchantId, id: deps.ids.next(), direction: 'in', counterparty: 'vasp' },
      ...{ state: 'received', payoutId: null, amountSats, address: null },
      ...{ message: verified.message, remoteUrl: inquiry.callback, requestId },
      callbackToken: newToken(deps.random),
      ...{ txid: null, reason: null, proof: null, decidedBy: null },
      ...{ createdBy: 'travel-rule', createdAtMs: nowMs, updatedAtMs: nowMs, version: 1 },
    });
  });
}

/**
 * A person's answer to an inquiry. It is kept before it is sent; when it can not be sent, deciding
 * the same again sends it again.
 * @throws {AppError} not_found, conflict
 */
export async function decideInbound(
  deps: TravelDeps,
  own: OwnTransfer,
  given:
    | { accept: true; address: string; by: string }
    | { accept: false; reason: string; by: string },
): Promise<{ transfer: TravelTransfer; told: PostAnswer }> {
  const event: TravelEvent = given.accept
    ? { kind: 'approved', address: given.address, remoteUrl: null, by: given.by }
    : { kind: 'rejected', reason: given.reason, by: given.by };
  const transfer = await inTransaction(deps, own, [event], 'in');
  const callback = `${deps.publicUrl}/trp/confirmations/${transfer.callbackToken ?? ''}`;
  const body = given.accept
    ? { approved: { address: given.address, callback } }
    : { rejected: given.reason };
  return { transfer, told: await tell(deps, transfer, body) };
}

/**
 * Tells the other side the transaction that pays, or that none will.
 * @throws {AppError} not_found, conflict
 */
export async function confirmOutbound(
  deps: TravelDeps,
  own: OwnTransfer,
  given: { txid: string } | { cancel: string },
): Promise<{ transfer: TravelTransfer; told: PostAnswer }> {
  const event: TravelEvent =
    'txid' in given
      ? { kind: 'confirmed', txid: given.txid }
      : { kind: 'cancelled', reason: given.cancel };
  const transfer = await inTransaction(deps, own, [event], 'out');
  const body = 'txid' in given ? { txid: given.txid } : { canceled: given.cancel };
  return { transfer, told: await tell(deps, transfer, body) };
}

async function tell(
  { poster }: TravelDeps,
  { remoteUrl, requestId }: TravelTransfer,
  body: object,
): Promise<PostAnswer> {
  if (remoteUrl === null) return { ok: true, status: 204, body: '' };
  return await poster.post(remoteUrl, {
    headers: headersOf(requestId),
    body: JSON.stringify(body),
  });
}

/**
 * Proves that whoever gets a payout controls its address (BIP-322), or the node that its invoice pays.
 * @throws {AppError} not_found, conflict, invalid_request
 */
export async function proveOwnWallet(
  tx: Tx,
  deps: TravelDeps,
  given: { own: OwnTransfer; signature: string; by: string; nowMs: number },
): Promise<TravelTransfer> {
  const { own, signature, by, nowMs } = given;
  const before = await lockTransfer(tx, own);
  if (before === undefined) throw noSuchTransfer();
  const { address } = before;
  const message = proofMessage(before);
  if (before.counterparty !== 'self_hosted' || address === null) throw refusalError('not_now');
  if (!deps.verifyProof({ message, address, signature })) {
    throw fieldError('/signature', 'does not prove control of the wallet: sign proofMessage');
  }
  return await apply(tx, before, { kind: 'proven', message, signature, by }, nowMs);
}

async function read({ database }: TravelDeps, own: OwnTransfer): Promise<TravelTransfer> {
  const found = await database.asTenant(own.merchantId, (tx) => readTransferRow(tx, own));
  if (found === undefined) throw noSuchTransfer();
  return found;
}

async function inTransaction(
  { database, clock }: TravelDeps,
  own: OwnTransfer,
  events: readonly TravelEvent[],
  direction: 'in' | 'out' = 'out',
): Promise<TravelTransfer> {
  return await database.asTenant(own.merchantId, async (tx) => {
    const before = await lockTransfer(tx, own);
    if (before === undefined || before.direction !== direction) throw noSuchTransfer();
    let at = before;
    for (const event of events) at = await apply(tx, at, event, clock.nowMs());
    return at;
  });
}

async function apply(
  tx: Tx,
  before: TravelTransfer,
  event: TravelEvent,
  nowMs: number,
): Promise<TravelTransfer> {
  const change = changeTransfer(before, event, nowMs);
  if (!change.ok) throw refusalError(change.refusal);
  if (change.next !== before) await updateTransfer(tx, change.next);
  return change.next;
}

function fieldError(pointer: string, detail: string): AppError {
  return new AppError('invalid_request', 'The request can not be used.', {
    fields: [{ pointer, detail }],
  });
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
