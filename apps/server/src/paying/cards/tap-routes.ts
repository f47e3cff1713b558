import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type HttpApp, open, queryText } from '../../platform/http/index.ts';
import type { Quote } from '../../receiving/rates/index.ts';
import {
  limitMsatOf,
  type PullPayment,
  refusable,
  withdrawAnswer,
} from '../pull-payments/index.ts';
import { UID_BYTES, readSunMessage } from './ntag424.ts';
import { hexKeys, type ProgramDeps, programCard, type Programmed } from './program-card.ts';
import { type TapDeps, tapCard, tapOffer } from './tap.ts';

export type TapRouteDeps = TapDeps & {
  publicUrl: string;
  /** The price of a pull payment's currency at this moment, without the store's spread. */
  quoteFor(pull: Pick<PullPayment, 'merchantId' | 'currency'>): Promise<Quote | null>;
  /** `offered`, or why a tap was refused. */
  onTap?(outcome: string): void;
};

const tagParams = z.object({ issuer: z.string() });
const secretParams = z.object({ secret: z.string() });

/** Terminals: what a tapped card's link leads to (LUD-03, LUD-17). */
export function addTapRoutes(scope: HttpApp, deps: TapRouteDeps): void {
  // A preview of the link (HEAD) must not use up the reading.
  const hidden = { schema: { hide: true }, config: open, exposeHeadRoute: false };
  scope.get('/boltcard/:issuer', hidden, (request) =>
    refusable(deps.onTap, async () => {
      const { issuer: tag } = tagParams.parse(request.params);
      const message = readSunMessage({ p: queryText(request, 'p'), c: queryText(request, 'c') });
      const tapped = await tapCard(deps, { tag, message });
      const quote = await deps.quoteFor(tapped.pull);
      const offer = { k1: tapped.k1, ...tapOffer(tapped, limitMsatOf(tapped.pull, quote)) };
      deps.onTap?.('offered');
      return withdrawAnswer(deps, { offer, description: tapped.pull.name });
    }),
  );
}

const UID = new RegExp(`^[0-9a-fA-F]{${2 * UID_BYTES}}$`);
const programSchema = z.object({
  UID: z.string().regex(UID, `write ${2 * UID_BYTES} hexadecimal digits`),
});

/** The programmer app asks here for the keys of a chip (Boltcard, DEEPLINK.md). */
export function addProgrammingRoutes(app: HttpApp, deps: ProgramDeps): void {
  app.post(
    '/boltcard/program/:secret',
    {
      schema: { hide: true, body: programSchema },
      config: { ...open, idempotency: 'none', limit: 'claim' },
    },
    async (request) => {
      const { UID: uid } = request.body;
      const secret = secretOf(request);
      return programmedJson(await programCard(deps, { secret, uid: uid.toLowerCase() }));
    },
  );
  // The older way: a code with this address, for a card that was made for one chip.
  app.get(
    '/boltcard/program/:secret',
    {
      schema: { hide: true },
      config: { ...open, limit: 'claim' },
      exposeHeadRoute: false,
    },
    async (request) => {
      const secret = secretOf(request);
      return programmedJson(await programCard(deps, { secret, uid: undefined }));
    },
  );
}

/** In both spellings that the app has had. */
function programmedJson({ card, keys, lnurlwBase }: Programmed) {
  const { k0, k1, k2, k3, k4 } = hexKeys(keys);
  return {
    protocol_name: 'create_bolt_card_response',
    protocol_version: 2,
    card_name: card.name,
    lnurlw_base: lnurlwBase,
    uid_privacy: 'Y',
    ...{ k0, k1, k2, k3, k4 },
    LNURLW: lnurlwBase,
    ...{ K0: k0, K1: k1, K2: k2, K3: k3, K4: k4 },
  };
}

function secretOf(request: FastifyRequest): string {
  return secretParams.parse(request.params).secret;
}
