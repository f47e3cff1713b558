import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chooseLocale, type Locale } from '@quittance/checkout';
import { QuittanceError } from '@quittance/client';
import { isUuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type HttpApp, open } from '../../../platform/http/index.ts';
import type { DemoChain } from '../chain.ts';
import type { LightningPayer } from '../lightning.ts';
import type { DemoStore } from '../store.ts';
import { isPayable, type Note, notes, payments, renderProblem, renderShop } from './page.ts';
import { products } from './products.ts';
import { fill, stringsOf } from './strings.ts';

/** The shop is registered before its merchant exists: that one is made through the API. */
export type Shop = {
  store: DemoStore | undefined;
  /** The customer's Lightning wallet, once its channel can be used. */
  lightning: LightningPayer | undefined;
  chain: DemoChain;
  fast: boolean;
};

/** As many as a person looks through. */
const ORDERS_SHOWN = 15;
/** The forms have two short fields. */
const MAX_FORM_BYTES = 2_048;
/** Less than this no node relays as an output. */
const MIN_PAYMENT_SATS = 1_000n;

const HTML = 'text/html; charset=utf-8';
const IMMUTABLE = 'public, max-age=31536000, immutable';
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Something that a person did and that can't be done; shown as a page. */
class ShopError extends Error {
  override name = 'ShopError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * A shop as a merchant would write it (it knows the public API and nothing else), with buttons that
 * pay and mine on the regtest node. A plugin of its own, since forms are taken nowhere else.
 */
export async function addShop(app: HttpApp, shop: Shop): Promise<void> {
  await app.register(async (scope: HttpApp) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    );
    const assets = addAssets(scope);
    scope.setErrorHandler((error, request, reply) => {
      const locale = localeOf(request);
      const { status, message } = explain(error, locale);
      return page(reply, locale)
        .code(status)
        .send(renderProblem(locale, assets, message));
    });
    addPages(scope, shop, assets);
    addForms(scope, shop);
  });
}

type Assets = { script: string; style: string };

function addAssets(app: HttpApp): Assets {
  function add(name: string, type: string): string {
    const body = readFileSync(new URL(name, import.meta.url));
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
    const url = `/shop/${hash}.${name}`;
    app.get(url, hidden, (_request, reply) =>
      reply.header('cache-control', IMMUTABLE).type(`${type}; charset=utf-8`).send(body),
    );
    return url;
  }
  return { script: add('shop.mjs', 'text/javascript'), style: add('shop.css', 'text/css') };
}

const hidden = { schema: { hide: true }, config: open };
const form = { schema: { hide: true }, config: { ...open, idempotency: 'none' } } as const;

function addPages(app: HttpApp, shop: Shop, assets: Assets): void {
  app.get('/', hidden, (_request, reply) => reply.redirect('/shop', 303));
  app.get('/shop', hidden, async (request, reply) => {
    const locale = localeOf(request);
    const { client } = storeOf(shop, locale);
    const { data: orders } = await client.orders.list({ limit: ORDERS_SHOWN });
    const note = notes.find((each) => each === queryOf(request, 'note'));
    return page(reply, locale).send(
      renderShop({
        locale,
        orders,
        fast: shop.fast,
        lightning: shop.lightning !== undefined,
        note: note === undefined ? undefined : stringsOf[locale][note],
        assets,
      }),
    );
  });
}

function addForms(app: HttpApp, shop: Shop): void {
  app.post('/shop/buy', form, async (request, reply) => {
    const locale = checkOrigin(request);
    const { client } = storeOf(shop, locale);
    const product = products.find(({ id }) => id === fieldOf(request, 'product'));
    if (product === undefined) throw badForm(locale, 'product');
    const order = await client.orders.create({
      amount: product.amount,
      currency: product.currency,
      description: product.name[locale],
      metadata: { product: product.id },
      redirectUrl: new URL(`/shop?lang=${locale}`, originOf(request)).href,
    });
    return reply.redirect(`/i/${order.id}?lang=${locale}`, 303);
  });

  app.post('/shop/orders/:id/pay', form, async (request, reply) => {
    const locale = checkOrigin(request);
    const { client } = storeOf(shop, locale);
    const { params } = request;
    const id = typeof params === 'object' && params !== null && 'id' in params ? params.id : '';
    const how = fieldOf(request, 'how');
    if (typeof id !== 'string' || !isUuid(id)) throw badForm(locale, 'id');
    if (how !== 'exact' && how !== 'less' && how !== 'more' && how !== 'lightning') {
      throw badForm(locale, 'how');
    }
    const order = await client.orders.read(id);
    if (!isPayable(order)) return toShop(reply, locale, 'notPayable');
    if (how === 'lightning') {
      if (shop.lightning === undefined) throw badForm(locale, 'how');
      const { bolt11, paymentHash } = await client.orders.lightningInvoice(id);
      await shop.lightning.pay({ bolt11, paymentHash, amountSats: BigInt(order.remainingSats) });
      return reply.redirect(`/i/${order.id}?lang=${locale}`, 303);
    }
    const part = (BigInt(order.remainingSats) * payments[how]) / 100n;
    const amount = part < MIN_PAYMENT_SATS ? MIN_PAYMENT_SATS : part;
    await shop.chain.send(await shop.chain.prepare(order.address, amount));
    return reply.redirect(`/i/${order.id}?lang=${locale}`, 303);
  });

  app.post('/shop/mine', form, async (request, reply) => {
    const locale = checkOrigin(request);
    await shop.chain.mine(1);
    return toShop(reply, locale, 'mined');
  });
}

function toShop(reply: FastifyReply, locale: Locale, note: Note): FastifyReply {
  return reply.redirect(`/shop?lang=${locale}&note=${note}`, 303);
}

/**
 * A browser says in `Origin` from which site a form was sent, and no site can forge it (RFC 6454).
 * Other sites must not spend even worthless coins.
 */
function checkOrigin(request: FastifyRequest): Locale {
  const locale = localeOf(request);
  if (request.headers.origin === originOf(request)) return locale;
  throw new ShopError(403, stringsOf[locale].foreign);
}

/** The demo serves plain HTTP under whatever name it was reached by: 127.0.0.1 or localhost. */
function originOf(request: FastifyRequest): string {
  return `http://${request.headers.host ?? ''}`;
}

function page(reply: FastifyReply, locale: Locale): FastifyReply {
  return (
    reply
      .type(HTML)
      .header('content-language', locale)
      .header('vary', 'accept-language')
      .header('content-security-policy', POLICY)
      // Without a referrer policy that allows it, browsers send "Origin: null" with a form.
      .header('referrer-policy', 'same-origin')
  );
}

function explain(error: unknown, locale: Locale): { status: number; message: string } {
  if (error instanceof ShopError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = fill(stringsOf[locale].failed, { reason });
  if (error instanceof QuittanceError) return { status: error.problem?.status ?? 503, message };
  // What Fastify itself refuses has a status: a body that is too long or of another type.
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : 500;
  return { status: typeof status === 'number' ? status : 500, message };
}

function storeOf({ store }: Shop, locale: Locale): DemoStore {
  if (store === undefined) throw new ShopError(503, stringsOf[locale].starting);
  return store;
}

function badForm(locale: Locale, field: string): ShopError {
  return new ShopError(400, fill(stringsOf[locale].failed, { reason: field }));
}

function fieldOf({ body }: FastifyRequest, name: string): string | undefined {
  return body instanceof URLSearchParams ? (body.get(name) ?? undefined) : undefined;
}

function localeOf(request: FastifyRequest): Locale {
  return chooseLocale(request.headers['accept-language'], queryOf(request, 'lang'));
}

function queryOf({ query }: FastifyRequest, name: string): string | undefined {
  if (typeof query !== 'object' || query === null) return undefined;
  const value: unknown = Reflect.get(query, name);
  return typeof value === 'string' ? value : undefined;
}
