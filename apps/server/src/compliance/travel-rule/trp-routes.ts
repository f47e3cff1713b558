import {
  trpConfirmationSchema,
  trpInquirySchema,
  trpResolutionSchema,
  trpVersionSchema,
} from '@quittance/contract';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, open } from '../../platform/http/index.ts';
import { confirmInbound, receiveInquiry, resolveInquiry, type TravelDeps } from './exchange.ts';
import { TRP_VERSION } from './message.ts';

/** Their protocol is OpenVASP's: no part of our own interface's document. */
const hidden = { hide: true };
const params = z.strictObject({ token: z.string().regex(/^[0-9a-f]{32}$/) });
/** Each is known by its number or its state: the same sent again changes nothing. */
const config = { ...open, idempotency: 'none', limit: 'public' } as const;
const response = answers(200, trpVersionSchema);
const version = { version: TRP_VERSION };
const REQUEST_ID = /^[\x21-\x7e]{1,100}$/;

/** What other providers call (OpenVASP TRP 3). Who knows the address may; keys they have none. */
export function addTrpRoutes(app: HttpApp, deps: TravelDeps): void {
  app.post(
    '/trp/:token/inquiry',
    {
      config: { ...config, exactNumbers: true },
      schema: {
        ...hidden,
        params,
        body: trpInquirySchema,
        response,
      },
    },
    async (request) => {
      const { token } = request.params;
      const requestId = requestIdOf(request);
      await receiveInquiry(deps, { token, requestId, inquiry: request.body });
      return version;
    },
  );
  app.post(
    '/trp/callbacks/:token',
    {
      config,
      schema: {
        ...hidden,
        params,
        body: trpResolutionSchema,
        response,
      },
    },
    async (request) => {
      await resolveInquiry(deps, request.params.token, request.body);
      return version;
    },
  );
  app.post(
    '/trp/confirmations/:token',
    {
      config,
      schema: {
        ...hidden,
        params,
        body: trpConfirmationSchema,
        response,
      },
    },
    async (request) => {
      const { body } = request;
      const told =
        'txid' in body ? { txid: String(body.txid) } : { canceled: String(body.canceled) };
      await confirmInbound(deps, request.params.token, told);
      return version;
    },
  );
}

function requestIdOf(request: FastifyRequest): string {
  const id = request.headers['request-identifier'];
  if (typeof id === 'string' && REQUEST_ID.test(id)) return id;
  throw new AppError('invalid_request', 'The header request-identifier is missing.', {
    fields: [{ pointer: '/headers/request-identifier', detail: 'a UUID' }],
  });
}
