import {
  chooseLocale,
  type ClaimStep,
  type Locale,
  refundSecurityPolicy,
  renderRefundPage,
  renderRefundUnknownPage,
} from '@quittance/checkout';
import { type RefundView, refundViewSchema } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, open } from '../../platform/http/index.ts';
import type { StoreFace } from '../../receiving/orders/index.ts';
import { type ClaimDeps, checkClaim, claimRefund, type Claimed } from './claim-refund.ts';
import { claimHash } from './claim-link.ts';
import { readRefundView } from './read-view.ts';

export type ClaimRouteDeps = ClaimDeps & {
  database: Database;
  assets: { scriptUrl: string; styleUrl: string };
  readFace(tx: Tx, merchantId: Uuid): Promise<StoreFace>;
  readLocale(tx: Tx, merchantId: Uuid): Promise<Locale>;
};

const HTML = 'text/html; charset=utf-8';
const NONCE_BYTES = 16;
/** An address, a signature of a large multisig, and nothing else. */
const MAX_FORM_BYTES = 16_384;

const params = z.object({ secret: z.string() });
const formSchema = z.object({
  step: z.enum(['check', 'claim', 'edit']).catch('check'),
  address: z.string().max(MAX_FORM_BYTES).default(''),
  proof: z.string().max(MAX_FORM_BYTES).default(''),
});
type Form = z.output<typeof formSchema>;

/**
 * The customer's page of a refund. Whoever has the link may claim: its secret is all that counts,
 * there is no cookie that another site could misuse. Sending the form twice pays once.
 */
export async function addClaimRoutes(app: HttpApp, deps: ClaimRouteDeps): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(`${body}`))),
    );
    const schema = { hide: true };
    scope.get('/refund/:secret', { schema, config: open }, (request, reply) =>
      show(deps, request, reply, secretOf(request)),
    );
    scope.get(
      '/refund/:secret/view',
      { schema: { ...schema, response: answers(200, refundViewSchema) }, config: open },
      async (request) => {
        const found = await read(deps, secretOf(request));
        if (found === undefined) throw new AppError('not_found', 'There is no such refund.');
        return found.view;
      },
    );
    scope.post(
      '/refund/:secret',
      { schema, config: { ...open, idempotency: 'none', limit: 'claim' } },
      (request, reply) => take(deps, request, reply, secretOf(request)),
    );
  });
}

/** What was put in: looks at it, shows it once more, and only then takes it. */
async function take(
  deps: ClaimRouteDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
): Promise<FastifyReply> {
  refuseOtherSites(request);
  const hash = claimHash(secret);
  if (hash === undefined) return show(deps, request, reply, secret);
  const { step, address, proof } = formSchema.parse(request.body ?? {});
  const input = { hash, address, proof };
  if (step === 'edit') return show(deps, request, reply, secret, formStep(input));
  let outcome: Claimed;
  try {
    outcome =
      step === 'claim'
        ? await claimRefund(deps.database, deps, input)
        : await deps.database.asPublic((tx) => checkClaim(tx, deps, input));
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error;
    // The store's own limits and troubles are not the customer's to read.
    const unavailable = { name: 'unavailable', address, proof } as const;
    return show(deps, request, reply.code(409), secret, unavailable);
  }
  if (outcome.kind === 'fault') {
    const wrong = { ...formStep(input), problem: outcome.fault };
    return show(deps, request, reply.code(422), secret, wrong);
  }
  if (outcome.kind === 'right' && step === 'check') {
    return show(deps, request, reply, secret, { name: 'check', address: outcome.address, proof });
  }
  // Also after the second of two claims: what the page shows is where the refund is.
  const lang = langOf(request);
  const query = lang === undefined ? '' : `?lang=${encodeURIComponent(lang)}`;
  return reply.redirect(`/refund/${secret}${query}`, 303);
}

function formStep({ address, proof }: Pick<Form, 'address' | 'proof'>) {
  return { name: 'form', address, proof, problem: null } as const;
}

/**
 * Browsers say where a form comes from (Fetch Metadata). The link's secret alone is what protects;
 * this keeps a page elsewhere from sending a form to a link that it has got hold of.
 * @throws {AppError} forbidden
 */
function refuseOtherSites(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw new AppError('forbidden', 'Open the link itself; this form came from another site.');
}

async function show(
  deps: ClaimRouteDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
  step?: ClaimStep,
): Promise<FastifyReply> {
  const found = await read(deps, secret);
  const wished = request.headers['accept-language'];
  const locale = chooseLocale(wished, langOf(request), found?.locale);
  const nonce = Buffer.from(deps.random(new Uint8Array(NONCE_BYTES))).toString('base64');
  reply.type(HTML).header('content-language', locale).header('vary', 'accept-language');
  reply.header('x-robots-tag', 'noindex, nofollow, noarchive');
  const logo = found?.view.store.logoUrl ?? null;
  reply.header('content-security-policy', refundSecurityPolicy(logo, nonce));
  if (found === undefined) {
    return reply.code(404).send(renderRefundUnknownPage(locale, deps.assets.styleUrl));
  }
  const options = { locale, assets: deps.assets, nonce, path: `/refund/${secret}` };
  return reply.send(
    renderRefundPage(found.view, { ...options, ...(step === undefined ? {} : { step }) }),
  );
}

async function read(
  deps: ClaimRouteDeps,
  secret: string,
): Promise<{ view: RefundView; locale: Locale } | undefined> {
  const hash = claimHash(secret);
  if (hash === undefined) return undefined;
  const place = {
    network: deps.network,
    nowMs: deps.clock.nowMs(),
    readFace: deps.readFace,
  };
  return await deps.database.asPublic(async (tx) => {
    const found = await readRefundView(tx, hash, place);
    if (found === undefined) return undefined;
    return { view: found.view, locale: await deps.readLocale(tx, found.merchantId) };
  });
}

function secretOf(request: FastifyRequest): string {
  return params.parse(request.params).secret;
}

function langOf(request: FastifyRequest): string | undefined {
  const { query } = request;
  if (typeof query !== 'object' || query === null || !('lang' in query)) return undefined;
  return typeof query.lang === 'string' ? query.lang : undefined;
}
