import {
  type Card as CardJson,
  cardListQuerySchema,
  cardPageSchema,
  cardSchema,
  createCardSchema,
  createdCardSchema,
  noBodySchema,
  updateCardSchema,
  uuidText,
  wipedCardSchema,
} from '@quittance/contract';
import { assert } from '@quittance/kernel';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import {
  demandApprover,
  type PullPaymentRouteDeps,
  quoteForLimit,
} from '../pull-payments/index.ts';
import type { Card } from './card.ts';
import { noSuchCard, renewProgramming, updateCardSettings, wipeCard } from './change-card.ts';
import { type CardDeps, createCard } from './create-card.ts';
import { cardsJson, programmingJson, wipedJson } from './present.ts';
import { readCardRow, readCardRows } from './store.ts';

export type CardRouteDeps = CardDeps & {
  database: Database;
  /** Where cards and terminals reach this server, without a slash at the end. */
  publicUrl: string;
  quoteCurrency: PullPaymentRouteDeps['quoteCurrency'];
  recordAudit: PullPaymentRouteDeps['recordAudit'];
};

const tags = ['Cards'];
const params = z.strictObject({ id: uuidText });

export function addCardRoutes(app: HttpApp, deps: CardRouteDeps): void {
  app.post(
    '/v1/cards',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createCard',
        summary: 'Issue a card (Boltcard, NTAG 424 DNA)',
        description:
          'It pays without asking again, so the key needs `payouts:approve` as well. The ' +
          'programming link is shown once: who has it gets the keys of the chip.',
        body: createCardSchema,
        response: answers(201, createdCardSchema),
      },
    },
    async (request, reply) => {
      demandApprover(request);
      const { body } = request;
      const merchantId = merchantOf(request);
      const { currency } = body.balance ?? { currency: 'BTC' };
      const quote = await quoteForLimit(deps, merchantId, currency);
      const nowMs = deps.clock.nowMs();
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
        const createdBy = actorOf(request);
        const made = await createCard(tx, deps, { ...body, merchantId, createdBy, quote });
        await note(tx, deps, { card: made.card, actor: createdBy, action: 'card.created' });
        reply.header('location', `/v1/cards/${made.card.id}`);
        return { status: 201, body: await withProgramming(tx, deps, made) };
      });
    },
  );
  addCardReads(app, deps);
  addCardChanges(app, deps);
  addCardLinks(app, deps);
}

function addCardReads(app: HttpApp, deps: CardRouteDeps): void {
  app.get(
    '/v1/cards',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listCards',
        summary: 'List cards, newest first',
        querystring: cardListQuerySchema,
        response: answers(200, cardPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, startingAfter, state, limit: limit + 1 };
      return await deps.database.asTenant(merchantId, async (tx) => {
        const found = await readCardRows(tx, filter);
        const data = await cardsJson(tx, found.slice(0, limit), deps.clock.nowMs());
        return { data, has_more: found.length > limit };
      });
    },
  );
  app.get(
    '/v1/cards/:id',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'readCard',
        summary: 'Read a card, with what is left on it',
        params,
        response: answers(200, cardSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const card = await readCardRow(tx, own);
        if (card === undefined) throw noSuchCard();
        return await json(tx, deps, card);
      });
    },
  );
}

function addCardChanges(app: HttpApp, deps: CardRouteDeps): void {
  app.patch(
    '/v1/cards/:id',
    {
      config: needs('payouts:write'),
      schema: {
        tags,
        operationId: 'updateCard',
        summary: 'Freeze or thaw a card, change its name and limits',
        description: 'All but freezing and the name needs `payouts:approve` as well.',
        params,
        body: updateCardSchema,
        response: answers(200, cardSchema),
      },
    },
    async (request) => {
      const { body: change } = request;
      const { frozen, perPaymentMaxSats, dailyLimitSats } = change;
      const limits = [perPaymentMaxSats, dailyLimitSats];
      const allowsMore = frozen === false || limits.some((limit) => limit !== undefined);
      if (allowsMore) demandApprover(request);
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const nowMs = deps.clock.nowMs();
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const card = await updateCardSettings(tx, { own, change, nowMs });
        await note(tx, deps, { card, actor: actorOf(request), action: 'card.updated' });
        return await json(tx, deps, card);
      });
    },
  );
}

function addCardLinks(app: HttpApp, deps: CardRouteDeps): void {
  app.post(
    '/v1/cards/:id/wipe',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'wipeCard',
        summary: 'End a card for good and read its keys, to empty the chip',
        description:
          'From now on the card is refused. Sent again it gives the same keys. Keys are secrets, so ' +
          'the API key needs `payouts:approve` as well; to stop a card at once, freeze it.',
        params,
        body: noBodySchema,
        response: answers(200, wipedCardSchema),
      },
    },
    async (request, reply) => {
      demandApprover(request);
      const nowMs = deps.clock.nowMs();
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
        const { card, keys } = await wipeCard(tx, deps, { own, nowMs });
        await note(tx, deps, { card, actor: actorOf(request), action: 'card.wiped' });
        return { status: 200, body: await wipedJson(await json(tx, deps, card), keys) };
      });
    },
  );
  app.post(
    '/v1/cards/:id/programming-link',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'renewCardProgramming',
        summary: 'Make a new programming link; the old one is worth nothing from then on',
        description:
          'Possible until the card is tapped for the first time. The key needs `payouts:approve` ' +
          'as well.',
        params,
        body: noBodySchema,
        response: answers(200, createdCardSchema),
      },
    },
    async (request, reply) => {
      demandApprover(request);
      const nowMs = deps.clock.nowMs();
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
        const made = await renewProgramming(tx, deps, { own, nowMs });
        const about = { card: made.card, actor: actorOf(request) };
        await note(tx, deps, { ...about, action: 'card.programming_renewed' });
        return { status: 200, body: await withProgramming(tx, deps, made) };
      });
    },
  );
}

async function withProgramming(
  tx: Tx,
  deps: CardRouteDeps,
  { card, secret }: { card: Card; secret: string },
) {
  const programming = await programmingJson(deps.publicUrl, card, secret);
  return { card: await json(tx, deps, card), programming };
}

async function json(tx: Tx, { clock }: CardRouteDeps, card: Card): Promise<CardJson> {
  const [body] = await cardsJson(tx, [card], clock.nowMs());
  assert(body !== undefined, 'one for each card');
  return body;
}

async function note(
  tx: Tx,
  deps: CardRouteDeps,
  { card, actor, action }: { card: Card; actor: string; action: string },
): Promise<void> {
  await deps.recordAudit(tx, {
    merchantId: card.merchantId,
    id: deps.ids.next(),
    atMs: deps.clock.nowMs(),
    actor,
    action,
    subject: `card:${card.id}`,
    detail: { name: card.name, state: card.state },
  });
}
