import type { CreateOrder, ErrorCode, Order } from '@quittance/contract';
import { assert, type Clock, type Ids, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { holdAddresses, takeAddresses } from '../addresses/index.ts';
import { NO_REFUNDS, orderEvent } from '../payments/index.ts';
import type { RateRule, Rates } from '../rates/index.ts';
import { createBatcher } from './batcher.ts';
import { type OrderCustomers, type OrderToAdmit, withoutCustomers } from './customers.ts';
import { draftOrder, type OrderDraft, type OrderSettings, parsePrice } from './draft.ts';
import { keepMerchants, type KeptMerchant, quoteFor, worthOf } from './keep-merchants.ts';
import { orderJson } from './present.ts';
import {
  insertAnswers,
  insertOrders,
  type NewOrder,
  type OrderRow,
  readAnswers,
  type StoredAnswer,
} from './store.ts';

/** A store as far as making its orders needs it. */
export type OrderingMerchant = {
  id: Uuid;
  name: string;
  settings: OrderSettings & { rateRule: RateRule; maxAddressGap: number; storeName: string | null };
};

export type Idempotency = { key: string; requestHash: Uint8Array };

export type CreateRequest = {
  merchantId: Uuid;
  input: CreateOrder;
  idempotency?: Idempotency | undefined;
};

export type CreatedOrder = { status: 201; body: Order; replayed: boolean };

export type OrderCreator = {
  /**
   * Makes an order: price locked, address assigned, event recorded, answer stored under its
   * Idempotency-Key, all in one transaction that is on disk before this resolves. Orders that are
   * asked for at the same time share a transaction.
   * @throws {AppError} among others rate_unavailable, no_wallet, idempotency_mismatch
   */
  create(request: CreateRequest): Promise<CreatedOrder>;
  /** A store's settings have changed, or without an id any store's: they are read anew. */
  forget(merchantId?: string): void;
};

export type OrderCreatorDeps = {
  database: Database;
  rates: Pick<Rates, 'quote'>;
  clock: Clock;
  ids: Ids;
  /** Where payers reach the checkout, without a slash at the end. */
  publicUrl: string;
  readMerchant(tx: Tx, merchantId: Uuid): Promise<OrderingMerchant | undefined>;
  /** Absent: no store has customers here. */
  customers?: OrderCustomers;
};

type Item = {
  draft: OrderDraft;
  worth: OrderToAdmit['worth'];
  merchant: KeptMerchant;
  idempotency: Idempotency | undefined;
};
type Answer = { body: Order; replayed: boolean };

export function createOrders(deps: OrderCreatorDeps): OrderCreator {
  const { merchantOf, forget } = keepMerchants(deps);
  const commit = createBatcher<Uuid, Item, Answer | AppError>(
    (merchantId, items) =>
      deps.database.asTenant(merchantId, (tx) => commitBatch(tx, deps, merchantId, items)),
    { isOfAll },
  );

  async function draft(
    request: CreateRequest,
    merchant: KeptMerchant,
  ): Promise<Pick<Item, 'draft' | 'worth'>> {
    const { input } = request;
    parsePrice(input);
    const quote = await quoteFor(input.currency, merchant, deps.rates);
    const drafted = draftOrder(input, merchant.settings, {
      id: deps.ids.next(),
      nowMs: deps.clock.nowMs(),
      quote,
    });
    return { draft: drafted, worth: await worthOf(drafted, merchant, deps.rates) };
  }

  async function replay(request: CreateRequest, error: unknown): Promise<Answer> {
    const { idempotency, merchantId } = request;
    if (idempotency === undefined) throw error;
    const answers = await deps.database.asTenant(merchantId, (tx) =>
      readAnswers(tx, merchantId, [idempotency.key]),
    );
    const stored = answers.get(idempotency.key);
    if (stored === undefined) throw error;
    const answer = replayed(stored, idempotency);
    if (answer instanceof AppError) throw answer;
    return answer;
  }

  return {
    forget,
    async create(request) {
      const merchant = await merchantOf(request.merchantId);
      let answer: Answer | AppError;
      try {
        const item = {
          ...(await draft(request, merchant)),
          merchant,
          idempotency: request.idempotency,
        };
        answer = await commit(request.merchantId, item);
      } catch (error) {
        // A database that is away has no answers to look for, and whoever retries finds his then.
        if (isUnavailable(error)) throw error;
        // What was answered once is answered again, even if today it could not be made.
        answer = await replay(request, error);
      }
      if (answer instanceof AppError) throw answer;
      return { status: 201, ...answer };
    },
  };
}

/**
 * Errors that are no item's own. When the database was lost it may also be that the whole batch was
 * committed after all: then no item may be tried again here, only by who sent it, under its key.
 */
const OF_ALL: ReadonlySet<ErrorCode> = new Set([
  'database_unavailable',
  'addresses_not_ready',
  'no_wallet',
]);

function isOfAll(error: unknown): boolean {
  return error instanceof AppError && OF_ALL.has(error.code);
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && ['database_unavailable', 'overloaded'].includes(error.code);
}

async function commitBatch(
  tx: Tx,
  deps: OrderCreatorDeps,
  merchantId: Uuid,
  items: readonly Item[],
): Promise<(Answer | AppError)[]> {
  const held = await holdAddresses(tx, merchantId);
  const stored = await storedAnswers(tx, merchantId, items);
  const firstOfKey = new Map<string, Item>();
  for (const item of items) {
    const key = item.idempotency?.key;
    if (key !== undefined && !firstOfKey.has(key)) firstOfKey.set(key, item);
  }
  const isNew = (item: Item) => {
    const key = item.idempotency?.key;
    return key === undefined || (!stored.has(key) && firstOfKey.get(key) === item);
  };
  const fresh = items.filter(isNew);
  const made = new Map<Item, Order>();
  const [first] = fresh;
  if (first !== undefined) {
    const maxGap = first.merchant.settings.maxAddressGap;
    const addresses = await takeAddresses(tx, held, { count: fresh.length, maxGap });
    const orders = fresh.map(({ draft }, i): NewOrder => {
      const free = addresses[i];
      assert(free !== undefined, 'there is an address for each order');
      return { ...draft, walletId: held.id, addressIndex: free.index, address: free.address };
    });
    await (deps.customers ?? withoutCustomers).admit(tx, merchantId, fresh.map(toAdmit));
    await insertOrders(tx, merchantId, orders);
    const rows = orders.map((order) => newRow(merchantId, order));
    fresh.forEach((item, i) => {
      const row = rows[i];
      assert(row !== undefined, 'there is a row for each order');
      made.set(item, orderJson(row, { payments: [] }, placeOf(deps, item.merchant)));
    });
    await tell(tx, deps, rows);
    await storeAnswers(tx, merchantId, fresh, made, deps.clock.nowMs());
  }
  return items.map((item) => {
    const body = made.get(item);
    if (body !== undefined) return { body, replayed: false };
    return answerTwin(item, stored, firstOfKey, made);
  });
}

function toAdmit({ draft, worth }: Item): OrderToAdmit {
  const { id, customerId, createdAtMs } = draft;
  return { id, customerId, createdAtMs, worth };
}

function placeOf(deps: OrderCreatorDeps, merchant: OrderingMerchant) {
  const storeName = merchant.settings.storeName ?? merchant.name;
  return { publicUrl: deps.publicUrl, tipHeight: 0, storeName };
}

async function storedAnswers(
  tx: Tx,
  merchantId: Uuid,
  items: readonly Item[],
): Promise<Map<string, StoredAnswer>> {
  const keys = items.flatMap(({ idempotency }) => (idempotency ? [idempotency.key] : []));
  return keys.length === 0 ? new Map() : readAnswers(tx, merchantId, keys);
}

/** An item that is not new: its key was answered before, or by its twin in this batch. */
function answerTwin(
  item: Item,
  stored: ReadonlyMap<string, StoredAnswer>,
  firstOfKey: ReadonlyMap<string, Item>,
  made: ReadonlyMap<Item, Order>,
): Answer | AppError {
  const { idempotency } = item;
  assert(idempotency !== undefined, 'only a key makes an item a twin');
  const answer = stored.get(idempotency.key);
  if (answer !== undefined) return replayed(answer, idempotency);
  const twin = firstOfKey.get(idempotency.key);
  const body = twin === undefined ? undefined : made.get(twin);
  assert(twin?.idempotency !== undefined && body !== undefined, 'the twin was made');
  const { requestHash } = twin.idempotency;
  return replayed({ requestHash, status: 201, response: body }, idempotency);
}

function replayed(stored: StoredAnswer, asked: Idempotency): Answer | AppError {
  const same = Buffer.compare(stored.requestHash, asked.requestHash) === 0;
  if (!same || stored.status !== 201) {
    return new AppError(
      'idempotency_mismatch',
      'This Idempotency-Key was used for another request. Use a new key for a new order.',
    );
  }
  // Only this module writes an answer with this request's hash: it is the order as it was made.
  return { body: stored.response as Order, replayed: true };
}

function newRow(merchantId: Uuid, order: NewOrder): OrderRow {
  return {
    ...order,
    merchantId,
    status: 'PENDING',
    expiredAtMs: null,
    cancelledAtMs: null,
    lateAcceptedAtMs: null,
    receivedSats: 0n,
    confirmedSats: 0n,
    lateSats: 0n,
    reviewSats: 0n,
    refundedSats: 0n,
    refundingSats: 0n,
    version: 1,
    updatedAtMs: order.createdAtMs,
  };
}

async function tell(tx: Tx, deps: OrderCreatorDeps, rows: readonly OrderRow[]): Promise<void> {
  const telling = { ids: deps.ids, nowMs: deps.clock.nowMs(), tipHeight: 0 };
  await recordEvents(
    tx,
    rows.map((row) =>
      orderEvent(
        { ...row, settledSats: 0n, settlementEpoch: 0, refunds: NO_REFUNDS },
        'order.created',
        telling,
      ),
    ),
  );
}

async function storeAnswers(
  tx: Tx,
  merchantId: Uuid,
  fresh: readonly Item[],
  made: ReadonlyMap<Item, Order>,
  nowMs: number,
): Promise<void> {
  const answers = fresh.flatMap((item) => {
    if (item.idempotency === undefined) return [];
    const { key, requestHash } = item.idempotency;
    return [{ key, requestHash, status: 201, response: made.get(item) }];
  });
  if (answers.length === 0) return;
  const { complete } = await insertAnswers(tx, merchantId, answers, nowMs);
  if (complete) return;
  throw new AppError(
    'idempotency_in_progress',
    'Another request with this Idempotency-Key is being worked on. Try again shortly.',
    { retryAfterSeconds: 1 },
  );
}
