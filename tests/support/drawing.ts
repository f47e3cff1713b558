import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { encodeBolt11, type LightningNetwork } from '@quittance/bitcoin';
import { fromHex, systemClock, toHex, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { z } from 'zod';
import {
  lightningDeposited,
  postTransfers,
  readBalances,
} from '../../apps/server/src/accounting/ledger/index.ts';
import { writeSunMessage } from '../../apps/server/src/paying/cards/index.ts';
import type { Database } from '../../apps/server/src/platform/db/index.ts';
import type { Answered, TestApi, TestMerchant } from './api.ts';

export const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));

/** Gives a store money that came over Lightning. */
export async function giveLightning(
  database: Database,
  { merchantId, sats }: { merchantId: Uuid; sats: bigint },
): Promise<void> {
  const deposit = lightningDeposited({
    merchantId,
    lightningNodeId: ids.next(),
    paymentHash: toHex(randomBytes(32)),
    receivedMsat: sats * 1_000n,
    atMs: Date.now(),
  });
  await database.asSystem((tx) => postTransfers(tx, [deposit]));
}

/** What a store may still promise, in msat. */
export async function availableMsat(database: Database, merchantId: Uuid): Promise<bigint> {
  const balances = await database.asSystem((tx) => readBalances(tx, { bookId: merchantId }));
  return balances.find(({ code }) => code === 'merchant.available')?.available ?? 0n;
}

/** An invoice of somebody's node that is nowhere. */
export function foreignInvoice(
  options: {
    amountMsat?: bigint | null;
    network?: LightningNetwork;
    createdAtMs?: number;
    expirySeconds?: number;
  } = {},
): string {
  const { amountMsat = 10_000n, network = 'regtest' } = options;
  return encodeBolt11(
    {
      network,
      amountMsat,
      createdAtMs: options.createdAtMs ?? Date.now(),
      expirySeconds: options.expirySeconds ?? 600,
      paymentHash: toHex(createHash('sha256').update(randomBytes(32)).digest()),
      paymentSecret: toHex(randomBytes(32)),
      description: 'Coffee',
    },
    randomBytes(32),
  );
}

/** The answer of an LNURL endpoint; it is always JSON. */
export async function lnurlGet(
  api: TestApi,
  url: string,
  query: Record<string, string> = {},
): Promise<Answered> {
  const full = new URL(url, api.baseUrl);
  for (const [name, value] of Object.entries(query)) full.searchParams.set(name, value);
  return await api.send('GET', full.pathname + full.search);
}

const key = z.string();
const programmedSchema = z.object({ LNURLW: key, K0: key, K1: key, K2: key, K3: key, K4: key });
const issuedSchema = z.object({
  card: z.object({ id: z.string(), pullPayment: z.object({ id: z.string() }) }),
  programming: z.object({ url: z.string() }),
});

/** A chip that was programmed, as a terminal meets it. */
export type Chip = {
  readonly uid: string;
  readonly path: string;
  readonly keys: Record<'K0' | 'K1' | 'K2' | 'K3' | 'K4', string>;
  counter: number;
};

/** Writes a card's keys to a chip that is nowhere, the way the programmer app does. */
export async function programChip(
  api: TestApi,
  programmingUrl: string,
  uid: string = toHex(randomBytes(7)),
): Promise<Chip> {
  const { pathname } = new URL(programmingUrl);
  const made = await api.send('POST', pathname, { body: { UID: uid.toUpperCase() } });
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  const { LNURLW, ...keys } = programmedSchema.parse(made.body);
  const path = new URL(LNURLW.replace('lnurlw:', 'http:')).pathname;
  return { uid, path, keys, counter: 0 };
}

/** The link that the chip shows next. */
export function nextLink(chip: Chip, counter: number = ++chip.counter): string {
  const { p, c } = writeSunMessage(
    { uid: fromHex(chip.uid), counter },
    {
      metaReadKey: fromHex(chip.keys.K1),
      fileReadKey: fromHex(chip.keys.K2),
      padding: new Uint8Array(randomBytes(5)),
    },
  );
  return `${chip.path}?p=${p}&c=${c}`;
}

export async function tap(api: TestApi, chip: Chip): Promise<Answered> {
  return await api.send('GET', nextLink(chip));
}

/** A card with a chip, over the interface. */
export async function issueCard(
  api: TestApi,
  merchant: TestMerchant,
  body: Record<string, unknown> = {},
): Promise<{ id: string; chip: Chip; pullPaymentId: string }> {
  const made = await api.send('POST', '/v1/cards', {
    key: merchant.key,
    body: { name: 'Till', balance: { amount: '100000', currency: 'SAT' }, ...body },
  });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const { card, programming } = issuedSchema.parse(made.body);
  const chip = await programChip(api, programming.url);
  return { id: card.id, chip, pullPaymentId: card.pullPayment.id };
}

/** The types of a store's events, oldest first, straight from the table. */
export async function eventsOf(
  database: Database,
  merchantId: Uuid,
  prefix: string,
): Promise<{ type: string; data: Record<string, unknown> }[]> {
  return await database.asSystem((tx) =>
    tx.query(
      `SELECT type, data FROM event WHERE merchant_id = $1 AND type LIKE $2 ORDER BY created_at, id`,
      [merchantId, `${prefix}%`],
    ),
  );
}
