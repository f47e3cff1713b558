import {
  confirmTravelSchema,
  createTravelTransferSchema,
  decideTravelSchema,
  noBodySchema,
  proveTravelSchema,
  travelListQuerySchema,
  travelSettingsInputSchema,
  travelSettingsSchema,
  type TravelTransferJson,
  travelTransferPageSchema,
  travelTransferSchema,
  uuidText,
  verifiedTravelMessageSchema,
  verifyTravelMessageSchema,
} from '@quittance/contract';
import { isoTime, type Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  idempotencyOf,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import type { PostAnswer } from '../../platform/outbound/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import { convertIvms101, ivmsVersion } from './convert-ivms101.ts';
import { noSuchTransfer } from './errors.ts';
import {
  confirmOutbound,
  createTransfer,
  decideInbound,
  inquiryUrl,
  newToken,
  proveOwnWallet,
  sendInquiry,
  type TravelDeps,
} from './exchange.ts';
import { rulesOf } from './rules.ts';
import {
  readSettingsRow,
  readTransferRow,
  readTransferRows,
  type StoredSettings,
  writeSettings,
} from './store.ts';
import { proofMessage, type TravelTransfer } from './transfer.ts';
import { verifyIvms101 } from './verify-ivms101.ts';

export type TravelRouteDeps = TravelDeps & { recordAudit: typeof recordAudit };

const tags = ['Compliance'];
const params = z.strictObject({ id: uuidText });
const response = answers(200, travelTransferSchema);
const read = needs('compliance:read');
const review = { ...needs('compliance:review'), idempotency: 'stored' } as const;
const decide = { ...needs('compliance:decide'), idempotency: 'stored' } as const;

/**
 * Where repeating changes nothing no answer is stored; a key that is none is refused all the same,
 * see `idempotencyOf`.
 */
export function addTravelRuleRoutes(app: HttpApp, deps: TravelRouteDeps): void {
  addSettingsRoutes(app, deps);
  addReads(app, deps);
  addOutbound(app, deps);
  addDecisions(app, deps);
}

function addSettingsRoutes(app: HttpApp, deps: TravelRouteDeps): void {
  app.get(
    '/v1/compliance/travel-rule/settings',
    {
      config: read,
      schema: {
        tags,
        operationId: 'readTravelRuleSettings',
        summary: 'Read what the Travel Rule asks of payouts, and since when',
        response: answers(200, travelSettingsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await deps.database.asTenant(merchantId, async (tx) =>
        settingsJson(deps, await readSettingsRow(tx, merchantId)),
      );
    },
  );
  app.put(
    '/v1/compliance/travel-rule/settings',
    {
      config: needs('compliance:decide'),
      schema: {
        tags,
        operationId: 'setTravelRuleSettings',
        summary: 'Say who you are to other providers, and whether payouts wait for their message',
        body: travelSettingsInputSchema,
        response: answers(200, travelSettingsSchema),
      },
    },
    async (request) => {
      const settings = request.body;
      const merchantId = merchantOf(request);
      const by = actorOf(request);
      const nowMs = deps.clock.nowMs();
      refuseWrong(settings, nowMs);
      return await deps.database.asTenant(merchantId, async (tx) => {
        const newOne = newToken(deps.random);
        await writeSettings(tx, { merchantId, settings, newToken: newOne, nowMs, by });
        const { enabled, regime } = settings;
        await deps.recordAudit(tx, {
          ...{ merchantId, id: deps.ids.next(), atMs: nowMs, actor: by },
          ...{ action: 'travel_rule.changed', subject: `merchant:${merchantId}` },
          detail: { enabled, regime },
        });
        return settingsJson(deps, await readSettingsRow(tx, merchantId));
      });
    },
  );
}

/** Who one is goes into every message, so it must stand on its own. */
function refuseWrong(settings: z.infer<typeof travelSettingsInputSchema>, nowMs: number): void {
  const { vasp, regime, custom } = settings;
  const fields: { pointer: string; detail: string }[] = [];
  const message = {
    originator: { originatorPersons: [vasp] },
    beneficiary: { beneficiaryPersons: [vasp] },
  };
  const verified = verifyIvms101(message, isoTime(nowMs).slice(0, 10));
  if (vasp.legalPerson === undefined) fields.push({ pointer: '/vasp', detail: 'a legal person' });
  else if (!verified.ok) {
    const [first] = verified.findings;
    fields.push({ pointer: '/vasp', detail: first?.detail ?? 'does not follow IVMS101' });
  }
  if ((regime === 'custom') !== (custom !== undefined)) {
    fields.push({ pointer: '/custom', detail: 'belongs to regime "custom", and only there' });
  }
  if (fields.length === 0) return;
  throw new AppError('invalid_request', 'The settings can not be used.', { fields });
}

function settingsJson({ publicUrl }: TravelRouteDeps, stored: StoredSettings | undefined) {
  if (stored === undefined) {
    return { settings: null, rules: null, inquiryUrl: null, updatedAt: null, updatedBy: null };
  }
  const { settings, inboundToken, updatedAt, updatedBy } = stored;
  return {
    ...{ settings, rules: rulesOf(settings), inquiryUrl: inquiryUrl(publicUrl, inboundToken) },
    ...{ updatedAt: updatedAt.toISOString(), updatedBy },
  };
}

function addReads(app: HttpApp, deps: TravelRouteDeps): void {
  app.get(
    '/v1/compliance/travel-rule/transfers',
    {
      config: read,
      schema: {
        tags,
        operationId: 'listTravelTransfers',
        summary: 'List exchanges with other providers, newest first',
        querystring: travelListQuerySchema,
        response: answers(200, travelTransferPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state, payoutId } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, state, payoutId, startingAfter, limit: limit + 1 };
      const found = await deps.database.asTenant(merchantId, (tx) => readTransferRows(tx, filter));
      return pageOfRows(found, limit, transferJson);
    },
  );
  app.get(
    '/v1/compliance/travel-rule/transfers/:id',
    {
      config: read,
      schema: {
        tags,
        operationId: 'readTravelTransfer',
        summary: 'Read an exchange',
        params,
        response,
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const found = await deps.database.asTenant(own.merchantId, (tx) => readTransferRow(tx, own));
      if (found === undefined) throw noSuchTransfer();
      return transferJson(found);
    },
  );
  app.post(
    '/v1/compliance/travel-rule/verify',
    {
      config: { ...read, idempotency: 'none' },
      schema: {
        tags,
        operationId: 'verifyTravelMessage',
        summary:
          'Hold an IVMS101 message against the standard, and convert it between 2020 and 2023',
        body: verifyTravelMessageSchema,
        response: answers(200, verifiedTravelMessageSchema),
      },
    },
    async (request) => {
      idempotencyOf(request);
      const { message, convertTo } = request.body;
      const verified = verifyIvms101(message, isoTime(deps.clock.nowMs()).slice(0, 10));
      if (!verified.ok) {
        return { valid: false, version: null, findings: [...verified.findings], message: null };
      }
      const version = ivmsVersion(verified.message);
      const converted = convertIvms101(verified.message, convertTo ?? version);
      return { valid: true, version, findings: [], message: converted };
    },
  );
}

function addOutbound(app: HttpApp, deps: TravelRouteDeps): void {
  app.post(
    '/v1/compliance/travel-rule/transfers',
    {
      config: review,
      schema: {
        tags,
        operationId: 'createTravelTransfer',
        summary: 'Say who gets a payout: a provider’s customer, or a wallet of one’s own',
        body: createTravelTransferSchema,
        response: answers(201, travelTransferSchema),
      },
    },
    async (request, reply) => {
      const nowMs = deps.clock.nowMs();
      const merchantId = merchantOf(request);
      const by = actorOf(request);
      return await answerOnce({ ...deps, nowMs }, { request, reply }, async (tx) => {
        const given = { ...request.body, merchantId, by, nowMs };
        return { status: 201, body: transferJson(await createTransfer(tx, deps, given)) };
      });
    },
  );
  app.post(
    '/v1/compliance/travel-rule/transfers/:id/send',
    {
      config: { ...needs('compliance:review'), idempotency: 'none' },
      schema: {
        tags,
        operationId: 'sendTravelInquiry',
        summary: 'Send the message to the other provider (TRP)',
        description:
          'Sending it again is safe: the other side knows it by its number. Why it could not be sent ' +
          'stands in `reason`.',
        params,
        body: noBodySchema,
        response,
      },
    },
    async (request) => {
      idempotencyOf(request);
      return transferJson(await sendInquiry(deps, ownOf(request)));
    },
  );
  app.post(
    '/v1/compliance/travel-rule/transfers/:id/proof',
    {
      config: review,
      schema: {
        tags,
        operationId: 'proveTravelTransfer',
        summary:
          'Prove that the recipient controls the address (BIP-322) or the node (signmessage)',
        params,
        body: proveTravelSchema,
        response,
      },
    },
    async (request, reply) => {
      const nowMs = deps.clock.nowMs();
      const given = { own: ownOf(request), ...request.body, by: actorOf(request), nowMs };
      return await answerOnce({ ...deps, nowMs }, { request, reply }, async (tx) => ({
        status: 200,
        body: transferJson(await proveOwnWallet(tx, deps, given)),
      }));
    },
  );
}

function addDecisions(app: HttpApp, deps: TravelRouteDeps): void {
  app.post(
    '/v1/compliance/travel-rule/transfers/:id/decide',
    {
      config: { ...decide, idempotency: 'none' },
      schema: {
        tags,
        operationId: 'decideTravelTransfer',
        summary: 'Answer another provider’s inquiry',
        description: 'Deciding the same again tells the other side again.',
        params,
        body: decideTravelSchema,
        response,
      },
    },
    async (request, reply) => {
      idempotencyOf(request);
      const given = { ...request.body, by: actorOf(request) };
      return told(reply, await decideInbound(deps, ownOf(request), given));
    },
  );
  app.post(
    '/v1/compliance/travel-rule/transfers/:id/confirm',
    {
      config: { ...needs('compliance:review'), idempotency: 'none' },
      schema: {
        tags,
        operationId: 'confirmTravelTransfer',
        summary: 'Tell the other provider the transaction that pays, or that none will',
        description: 'Saying the same again tells it again.',
        params,
        body: confirmTravelSchema,
        response,
      },
    },
    async (request, reply) => {
      idempotencyOf(request);
      return told(reply, await confirmOutbound(deps, ownOf(request), request.body));
    },
  );
}

/** What was decided stands; that the other side has not heard it is for the caller to try again. */
function told(
  reply: FastifyReply,
  { transfer, told: answer }: { transfer: TravelTransfer; told: PostAnswer },
): TravelTransferJson {
  const isHeard = answer.ok && answer.status >= 200 && answer.status < 300;
  const why = answer.ok ? `it answers ${answer.status}` : answer.reason;
  if (!isHeard) reply.header('quittance-not-told', why.replace(/[^\x20-\x7e]/g, '?'));
  return transferJson(transfer);
}

function ownOf(request: FastifyRequest<{ Params: { id: Uuid } }>) {
  return { merchantId: merchantOf(request), id: request.params.id };
}

function transferJson(transfer: TravelTransfer): TravelTransferJson {
  const {
    merchantId: _,
    remoteUrl: __,
    callbackToken: ___,
    proof,
    version: ____,
    ...more
  } = transfer;
  const { createdAtMs, updatedAtMs, amountSats, ...same } = more;
  return {
    ...same,
    amountSats: String(amountSats),
    proofMessage: transfer.counterparty === 'self_hosted' ? proofMessage(transfer) : null,
    provenAt: proof === null ? null : isoTime(proof.atMs),
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  };
}
