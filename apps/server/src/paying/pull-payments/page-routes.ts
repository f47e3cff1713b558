import {
  chooseLocale,
  type Locale,
  refundSecurityPolicy,
  renderPullPage,
  renderPullUnknownPage,
} from '@quittance/checkout';
import type { PullScreen, PullView } from '@quittance/contract';
import { encodeLnurl } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Tx } from '../../platform/db/index.ts';
import { type HttpApp, open, queryText } from '../../platform/http/index.ts';
import type { Quote } from '../../receiving/rates/index.ts';
import { linkHash } from './create-pull-payment.ts';
import { readDrawRows } from './draw-store.ts';
import { pullPaymentsJson, withdrawUrl } from './present.ts';
import { closedBecause, type PullPayment } from './pull-payment.ts';
import { WithdrawRefused } from './refusals.ts';
import { findPullPaymentByLink } from './store.ts';
import { offerWithdraw, type WithdrawDeps, type WithdrawOffer } from './withdraw.ts';
import { withdrawAnswer } from './withdraw-routes.ts';

export type PullPageDeps = Pick<
  WithdrawDeps,
  'database' | 'clock' | 'ids' | 'random' | 'network' | 'quoteFor'
> & {
  publicUrl: string;
  styleUrl: string;
  /** How a store shows itself to its payers, with the language of its pages. */
  readFace(tx: Tx, merchantId: Uuid): Promise<PullView['store'] & { locale: Locale }>;
};

const HTML = 'text/html; charset=utf-8';
const NONCE_BYTES = 16;
/** The page shows the newest; the store has them all. */
const SHOWN_DRAWS = 10;
const params = z.object({ secret: z.string() });

/** The page of a pull payment's link, for people: what is left, and a code to take it with. */
export function addPullPages(app: HttpApp, deps: PullPageDeps): void {
  const hidden = { schema: { hide: true }, config: open, exposeHeadRoute: false };
  app.get('/pull/:secret', hidden, async (request, reply) => {
    const { secret } = params.parse(request.params);
    return await show(deps, { request, reply }, secret);
  });
}

async function show(
  deps: PullPageDeps,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  secret: string,
): Promise<FastifyReply> {
  const found = await readView(deps, secret);
  const wished = request.headers['accept-language'];
  const locale = chooseLocale(wished, queryText(request, 'lang'), found?.locale);
  const nonce = Buffer.from(deps.random(new Uint8Array(NONCE_BYTES))).toString('base64');
  reply.type(HTML).header('content-language', locale).header('vary', 'accept-language');
  reply.header('x-robots-tag', 'noindex, nofollow, noarchive');
  const logo = found?.view.store.logoUrl ?? null;
  reply.header('content-security-policy', refundSecurityPolicy(logo, nonce));
  const { styleUrl } = deps;
  if (found === undefined) return reply.code(404).send(renderPullUnknownPage(locale, styleUrl));
  const options = { locale, styleUrl, nonce, path: `/pull/${secret}` };
  return reply.send(renderPullPage(found.view, options));
}

async function readView(
  deps: PullPageDeps,
  secret: string,
): Promise<{ view: PullView; locale: Locale } | undefined> {
  const hash = linkHash(secret);
  if (hash === undefined) return undefined;
  const { database } = deps;
  const pull = await database.asPublic((tx) => findPullPaymentByLink(tx, hash));
  if (pull === undefined) return undefined;
  // Without a price nothing can be offered now, but the page still says what is left.
  const quote = await deps.quoteFor(pull).catch(() => undefined);
  return await database.asPublic(async (tx) => {
    const offer = quote === undefined ? null : await offerOrNull(tx, deps, pull, quote);
    const { locale, ...store } = await deps.readFace(tx, pull.merchantId);
    const hasPrice = quote !== undefined;
    return { view: await viewOf(tx, deps, { pull, offer, store, secret, hasPrice }), locale };
  });
}

async function offerOrNull(
  tx: Tx,
  deps: PullPageDeps,
  pull: PullPayment,
  quote: Quote | null,
): Promise<WithdrawOffer | null> {
  try {
    return await offerWithdraw(tx, deps, { pull, quote, nowMs: deps.clock.nowMs() });
  } catch (error) {
    if (error instanceof WithdrawRefused) return null;
    throw error;
  }
}

async function viewOf(
  tx: Tx,
  deps: PullPageDeps,
  of: {
    pull: PullPayment;
    offer: WithdrawOffer | null;
    store: PullView['store'];
    secret: string;
    hasPrice: boolean;
  },
): Promise<PullView> {
  const { pull, offer, store, secret } = of;
  const nowMs = deps.clock.nowMs();
  const [shown] = await pullPaymentsJson(tx, [pull], nowMs);
  if (shown === undefined) throw new Error('one for each pull payment');
  const { merchantId, id: pullPaymentId } = pull;
  const draws = await readDrawRows(tx, { merchantId, pullPaymentId, limit: SHOWN_DRAWS });
  return {
    screen: screenOf(of, nowMs),
    store,
    network: deps.network,
    name: pull.name,
    description: pull.description,
    limit: shown.limit,
    remaining: shown.remaining,
    period: shown.period,
    periodEnd: shown.periodEnd,
    startsAt: shown.startsAt,
    expiresAt: shown.expiresAt,
    links: offer === null ? null : linksOf(deps, secret, { offer, description: pull.name }),
    draws: draws.map(({ amountMsat, state, createdAtMs }) => ({
      amountMsat: amountMsat.toString(),
      state,
      at: new Date(createdAtMs).toISOString(),
    })),
  };
}

function screenOf(
  { pull, offer, hasPrice }: { pull: PullPayment; offer: WithdrawOffer | null; hasPrice: boolean },
  nowMs: number,
): PullScreen {
  switch (closedBecause(pull, nowMs)) {
    case 'archived':
      return 'archived';
    case 'expired':
      return 'expired';
    case 'not_started':
      return 'not_started';
    case 'not_approved':
      return 'not_approved';
    default:
      if (offer !== null) return 'open';
      return hasPrice ? 'empty' : 'unavailable';
  }
}

/**
 * The code to be scanned asks for an offer when it is scanned. The link for a wallet on this device
 * has one in it (LUD-08), and asks for one if the wallet does not know that.
 */
function linksOf(
  deps: PullPageDeps,
  secret: string,
  made: { offer: WithdrawOffer; description: string },
): NonNullable<PullView['links']> {
  const plain = withdrawUrl(deps.publicUrl, secret);
  const fast = new URL(plain);
  for (const [name, value] of Object.entries(withdrawAnswer(deps, made))) {
    fast.searchParams.set(name, String(value));
  }
  return { scan: encodeLnurl(plain).toUpperCase(), here: encodeLnurl(fast.href) };
}
