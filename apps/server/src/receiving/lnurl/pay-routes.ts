import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type HttpApp, lnurlError, open, queryText } from '../../platform/http/index.ts';
import { describeAddress, type PayDeps, requestInvoice, verifyInvoice } from './pay.ts';

const nameParams = z.object({ name: z.string() });
const idParams = z.object({ id: z.string() });

/** What payers' wallets ask (LUD-06, LUD-16, LUD-21). */
export function addPayRoutes(scope: HttpApp, deps: PayDeps): void {
  const hidden = { schema: { hide: true }, config: open, exposeHeadRoute: false };
  scope.get('/.well-known/lnurlp/:name', hidden, async (request) => {
    const described = await describeAddress(deps, nameOf(request));
    return described.ok ? described.request : lnurlError(described.reason);
  });
  scope.get('/lnurl/pay/:name', hidden, async (request) => {
    const [amount, comment] = [queryText(request, 'amount'), queryText(request, 'comment')];
    const made = await requestInvoice(deps, { name: nameOf(request), amount, comment });
    if (!made.ok) return lnurlError(made.reason);
    return { pr: made.bolt11, routes: [], disposable: false, verify: made.verifyUrl };
  });
  scope.get('/lnurl/verify/:id', hidden, async (request) => {
    const { id } = idParams.parse(request.params);
    const invoice = await verifyInvoice(deps, id);
    if (invoice === undefined) return lnurlError('Not found');
    const { settled, preimage, bolt11: pr } = invoice;
    return { status: 'OK', settled, preimage: settled ? preimage : null, pr };
  });
}

function nameOf(request: FastifyRequest): string {
  return nameParams.parse(request.params).name;
}
