import {
  buildAssets,
  chooseLocale,
  contentSecurityPolicy,
  type Locale,
  payMethodOf,
  renderCheckoutPage,
  renderNotFoundPage,
  renderReceiptPage,
} from '@quittance/checkout';
import { type OrderView, orderViewSchema } from '@quittance/contract';
import { isUuid, type Random, type Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, open } from '../../platform/http/index.ts';

export type CheckoutRouteDeps = {
  /** By the unguessable id alone, whosever order it is; with the store's own language. */
  readView(orderId: Uuid): Promise<{ view: OrderView; locale: Locale } | undefined>;
  random: Random;
};

const HTML = 'text/html; charset=utf-8';
const ONE_YEAR = 'public, max-age=31536000, immutable';
const NONCE_BYTES = 16;

/** Where the files are that payers' pages load. */
export type CheckoutAssets = { scriptUrl: string; refundScriptUrl: string; styleUrl: string };

/** Serves the payer's pages. Builds their scripts and style sheet once. */
export async function addCheckoutRoutes(
  app: HttpApp,
  deps: CheckoutRouteDeps,
): Promise<CheckoutAssets> {
  const { script, refundScript, style } = await buildAssets();
  const files = [
    { url: `/checkout/checkout.${script.hash}.js`, type: 'text/javascript', body: script.body },
    { url: `/checkout/checkout.${style.hash}.css`, type: 'text/css', body: style.body },
    {
      url: `/checkout/refund.${refundScript.hash}.js`,
      type: 'text/javascript',
      body: refundScript.body,
    },
  ] as const;
  const assets = { scriptUrl: files[0].url, styleUrl: files[1].url };
  const hidden = { schema: { hide: true }, config: open };
  for (const { url, type, body } of files) {
    app.get(url, hidden, (_request, reply) =>
      reply.header('cache-control', ONE_YEAR).type(`${type}; charset=utf-8`).send(body),
    );
  }

  async function page(
    request: FastifyRequest,
    reply: FastifyReply,
    render: typeof renderCheckoutPage,
  ): Promise<FastifyReply> {
    const id = orderIdOf(request);
    const found = id === undefined ? undefined : await deps.readView(id);
    const view = found?.view;
    const wished = request.headers['accept-language'];
    const locale = chooseLocale(wished, queryOf(request, 'lang'), found?.locale);
    const method = payMethodOf(queryOf(request, 'pay'));
    const nonce = Buffer.from(deps.random(new Uint8Array(NONCE_BYTES))).toString('base64');
    reply.type(HTML).header('content-language', locale).header('vary', 'accept-language');
    reply.header('content-security-policy', contentSecurityPolicy(view ?? null, nonce));
    if (view === undefined) {
      return reply.code(404).send(renderNotFoundPage(locale, assets.styleUrl));
    }
    const base = `/i/${view.orderId}`;
    const paths = {
      page: base,
      view: `${base}/view`,
      receipt: `${base}/receipt`,
      socket: `/ws/payment?orderId=${view.orderId}`,
    };
    const chosen = method === undefined ? {} : { method };
    return reply.send(render(view, { locale, assets, nonce, paths, ...chosen }));
  }

  app.get('/i/:id', hidden, (request, reply) => page(request, reply, renderCheckoutPage));
  app.get('/i/:id/receipt', hidden, (request, reply) => page(request, reply, renderReceiptPage));
  app.get(
    '/i/:id/view',
    { config: open, schema: { hide: true, response: answers(200, orderViewSchema) } },
    async (request) => {
      const id = orderIdOf(request);
      const found = id === undefined ? undefined : await deps.readView(id);
      if (found === undefined) throw new AppError('not_found', 'There is no such order.');
      return found.view;
    },
  );
  return { ...assets, refundScriptUrl: files[2].url };
}

function orderIdOf(request: FastifyRequest): Uuid | undefined {
  const { params } = request;
  if (typeof params !== 'object' || params === null || !('id' in params)) return undefined;
  return typeof params.id === 'string' && isUuid(params.id) ? params.id : undefined;
}

function queryOf(request: FastifyRequest, name: 'lang' | 'pay'): string | undefined {
  const { query } = request;
  if (typeof query !== 'object' || query === null) return undefined;
  const value: unknown = Object.entries(query).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : undefined;
}
