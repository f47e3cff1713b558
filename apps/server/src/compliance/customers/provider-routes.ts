import { customerProviderInputSchema, customerProviderSchema } from '@quittance/contract';
import { isUuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs, open } from '../../platform/http/index.ts';
import { checkOutboundUrl } from '../../platform/outbound/index.ts';
import {
  API_KEY_CONTEXT,
  CALLBACK_CONTEXT,
  CALLBACK_PATH,
  takeAnswer,
} from './provider/ask-provider.ts';
import { isGenuine, newCallbackSecret, type SignedCallback } from './provider/callback.ts';
import { readAnswer } from './provider/http-provider.ts';
import { findProvider, type StoredProvider, writeProvider } from './provider/provider-store.ts';
import { type CustomerRouteDeps, doingOf, tags } from './route-deps.ts';
import { findVerificationMerchant, insertCallback } from './verification-store.ts';

const PROVIDER_PATH = '/v1/compliance/customer-provider';
/** As many as a provider's answer has. */
const MAX_CALLBACK_BYTES = 65_536;

export function addCustomerProviderRoutes(app: HttpApp, deps: CustomerRouteDeps): void {
  app.get(
    PROVIDER_PATH,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readCustomerProvider',
        summary: 'Read who verifies identities for the store',
        response: answers(200, customerProviderSchema.nullable()),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const found = await deps.database.asTenant(merchantId, (tx) => findProvider(tx, merchantId));
      return found === undefined ? null : toJson(found, null);
    },
  );
  app.put(
    PROVIDER_PATH,
    {
      config: needs('compliance:decide'),
      schema: {
        tags,
        operationId: 'writeCustomerProvider',
        summary: 'Say who verifies identities for the store',
        description: 'The interface that it has to serve is in docs/kyc.md.',
        body: customerProviderInputSchema,
        response: answers(200, customerProviderSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const { url, enabled, apiKey } = request.body;
      const checked = checkOutboundUrl(url, deps.urlPolicy);
      if (!checked.ok) throw refuse('/url', checked.reason);
      const { by, nowMs } = doingOf(deps, request);
      return await deps.database.asTenant(merchantId, async (tx) => {
        const known = await findProvider(tx, merchantId);
        if (known === undefined && apiKey === undefined) throw refuse('/apiKey', 'is needed');
        const secret = known === undefined ? newCallbackSecret(deps.random) : null;
        const provider = {
          ...{ merchantId, url, enabled, updatedBy: by, updatedAt: new Date(nowMs) },
          sealedApiKey: sealedOr(known?.sealedApiKey, apiKey, (text) =>
            deps.sealer.seal(text, `${API_KEY_CONTEXT} ${merchantId}`),
          ),
          sealedCallbackSecret: sealedOr(known?.sealedCallbackSecret, secret ?? undefined, (text) =>
            deps.sealer.seal(text, `${CALLBACK_CONTEXT} ${merchantId}`),
          ),
        };
        await writeProvider(tx, provider);
        await deps.recordAudit(tx, {
          ...{ merchantId, id: deps.ids.next(), atMs: nowMs, actor: by, subject: merchantId },
          ...{ action: 'customer_provider.updated', detail: { url, enabled } },
        });
        return toJson(provider, secret);
      });
    },
  );
  addCallback(app, deps);
}

function sealedOr(
  known: Uint8Array | undefined,
  text: string | undefined,
  seal: (text: string) => Uint8Array,
): Uint8Array {
  if (text !== undefined) return seal(text);
  if (known === undefined) throw new Error('what is not known is given');
  return known;
}

/** In a scope of its own: the signature is over the bytes as they came. */
function addCallback(app: HttpApp, deps: CustomerRouteDeps): void {
  void app.register(async (scope) => {
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    scope.post(
      `${CALLBACK_PATH}/:id`,
      {
        bodyLimit: MAX_CALLBACK_BYTES,
        // Each message has an id of its own; the same again changes nothing.
        config: { ...open, idempotency: 'none' },
        schema: { hide: true },
      },
      async (request) => {
        const { id } = request.params as { id: string };
        const callback = callbackOf(request);
        await takeCallback(deps, id, callback);
        return { ok: true };
      },
    );
  });
}

/** @throws {AppError} not_found: who can not sign learns nothing, not even that there is such a one */
async function takeCallback(
  deps: CustomerRouteDeps,
  id: string,
  callback: SignedCallback,
): Promise<void> {
  const { database, sealer } = deps;
  const nowMs = deps.clock.nowMs();
  const provider = await database.asPublic(async (tx) => {
    const merchantId = isUuid(id) ? await findVerificationMerchant(tx, id) : undefined;
    return merchantId === undefined ? undefined : await findProvider(tx, merchantId);
  });
  if (provider === undefined) throw noSuchVerification();
  const { merchantId, sealedCallbackSecret } = provider;
  const secret = sealer.unseal(sealedCallbackSecret, `${CALLBACK_CONTEXT} ${merchantId}`);
  if (!isGenuine(secret, callback, nowMs)) throw noSuchVerification();
  const answer = readAnswer(callback.body);
  if (answer === undefined) throw refuse('', 'is not an answer of the interface in docs/kyc.md');
  const messageId = callback.id ?? '';
  await database.asPublic(async (tx) => {
    const message = { merchantId, id, messageId, state: answer.kind, atMs: nowMs };
    if (await insertCallback(tx, message)) await takeAnswer(tx, deps, { merchantId, id, answer });
  });
}

function callbackOf(request: FastifyRequest): SignedCallback {
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    id: header('webhook-id'),
    timestamp: header('webhook-timestamp'),
    signature: header('webhook-signature'),
    body: typeof request.body === 'string' ? request.body : '',
  };
}

function toJson(provider: StoredProvider, callbackSecret: string | null) {
  const { url, enabled, updatedBy, updatedAt } = provider;
  return { url, enabled, callbackSecret, updatedBy, updatedAt: updatedAt.toISOString() };
}

function refuse(pointer: string, detail: string): AppError {
  const place = pointer === '' ? 'The body' : pointer;
  return new AppError('invalid_request', `${place} ${detail}.`, { fields: [{ pointer, detail }] });
}

function noSuchVerification(): AppError {
  return new AppError('not_found', 'There is no such verification.');
}
