import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Mark, Movement } from './movement.ts';

/** A movement with what the record keeps of it besides. */
export type RecordedMovement = Movement & {
  readonly key: string;
  readonly orderId: Uuid | null;
  readonly eventId: Uuid;
  readonly amountSats: bigint;
  readonly currency: string;
  readonly rateSource: string | null;
  readonly isUndone: boolean;
};

type Row = {
  seq: bigint;
  key: string;
  name: string;
  order_id: Uuid | null;
  event_id: Uuid;
  at: Date;
  direction: 'in' | 'out';
  party: string;
  counterparty: string | null;
  is_service: boolean;
  amount_sats: bigint;
  currency: string;
  amount_minor: bigint | null;
  rate_source: string | null;
  is_fiat_leg: boolean;
  links: string[];
  marks: Mark[];
  undone_at: Date | null;
};

const COLUMNS = `seq, key, name, order_id, event_id, at, direction, party, counterparty, is_service,
  amount_sats, currency, amount_minor, rate_source, is_fiat_leg, links, marks, undone_at`;

function movementOf(row: Row): RecordedMovement {
  return {
    seq: Number(row.seq),
    id: row.name,
    key: row.key,
    orderId: row.order_id,
    eventId: row.event_id,
    atMs: row.at.getTime(),
    direction: row.direction,
    party: row.party,
    counterparty: row.counterparty,
    isService: row.is_service,
    amountSats: row.amount_sats,
    currency: row.currency,
    amountMinor: row.amount_minor,
    rateSource: row.rate_source,
    isFiatLeg: row.is_fiat_leg,
    links: row.links,
    marks: row.marks,
    isUndone: row.undone_at !== null,
  };
}

export async function insertMovement(
  tx: Tx,
  merchantId: Uuid,
  movement: RecordedMovement,
): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_movement (merchant_id, seq, key, name, order_id, event_id, at, direction,
            party, counterparty, is_service, amount_sats, currency, amount_minor, rate_source,
            is_fiat_leg, links, marks)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [
      merchantId,
      movement.seq,
      movement.key,
      movement.id,
      movement.orderId,
      movement.eventId,
      new Date(movement.atMs),
      movement.direction,
      movement.party,
      movement.counterparty,
      movement.isService,
      movement.amountSats,
      movement.currency,
      movement.amountMinor,
      movement.rateSource,
      movement.isFiatLeg,
      movement.links,
      JSON.stringify(movement.marks),
    ],
  );
}

type OfStore = { merchantId: Uuid };

/** The movement that counts under a key; undefined where none does, or none any more. */
export async function findCounting(
  tx: Tx,
  { merchantId, key }: OfStore & { key: string },
): Promise<RecordedMovement | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM monitoring_movement
      WHERE merchant_id = $1 AND key = $2 AND undone_at IS NULL`,
    [merchantId, key],
  );
  return row === undefined ? undefined : movementOf(row);
}

export async function undoMovement(
  tx: Tx,
  { merchantId, seq, atMs }: OfStore & { seq: number; atMs: number },
): Promise<void> {
  await tx.query(
    'UPDATE monitoring_movement SET undone_at = $3 WHERE merchant_id = $1 AND seq = $2',
    [merchantId, seq, new Date(atMs)],
  );
}

/** What counts after a movement, oldest first. */
export async function readMovementsAfter(
  tx: Tx,
  page: OfStore & { after: number; limit: number; fromMs?: number; toMs?: number },
): Promise<RecordedMovement[]> {
  const { merchantId, after, limit, fromMs = 0, toMs = MAX_TIME_MS } = page;
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM monitoring_movement
      WHERE merchant_id = $1 AND seq > $2 AND undone_at IS NULL AND at >= $4 AND at < $5
      ORDER BY seq LIMIT $3`,
    [merchantId, after, limit, new Date(fromMs), new Date(toMs)],
  );
  return rows.map(movementOf);
}
/** The year 9999: PostgreSQL knows later ones, people do not. */
const MAX_TIME_MS = Date.UTC(9999, 0);

/** Those that count, by the names that alerts give them. */
export async function readMovementsByName(
  tx: Tx,
  { merchantId, names }: OfStore & { names: readonly string[] },
): Promise<RecordedMovement[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM monitoring_movement
      WHERE merchant_id = $1 AND name = ANY ($2::text[]) AND undone_at IS NULL ORDER BY seq`,
    [merchantId, names],
  );
  return rows.map(movementOf);
}

/** The newest of a party, undone ones too. */
export async function readMovementsOfParty(
  tx: Tx,
  { merchantId, party, limit }: OfStore & { party: string; limit: number },
): Promise<RecordedMovement[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM monitoring_movement WHERE merchant_id = $1 AND party = $2
      ORDER BY seq DESC LIMIT $3`,
    [merchantId, party, limit],
  );
  return rows.map(movementOf);
}

/** Whose the newest payment of an order was. */
export async function findPartyOfOrder(
  tx: Tx,
  { merchantId, orderId }: OfStore & { orderId: Uuid },
): Promise<string | undefined> {
  const row = await tx.maybe<{ party: string }>(
    `SELECT party FROM monitoring_movement WHERE merchant_id = $1 AND order_id = $2
        AND direction = 'in' ORDER BY seq DESC LIMIT 1`,
    [merchantId, orderId],
  );
  return row?.party;
}

export async function readLinks(
  tx: Tx,
  { merchantId, party }: OfStore & { party: string },
): Promise<string[]> {
  const rows = await tx.query<{ link: string }>(
    'SELECT link FROM monitoring_link WHERE merchant_id = $1 AND party = $2 ORDER BY link LIMIT 8',
    [merchantId, party],
  );
  return rows.map(({ link }) => link);
}

export async function insertLinks(
  tx: Tx,
  given: OfStore & {
    parties: readonly string[];
    link: string;
    reason: string;
    by: string;
    atMs: number;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_link (merchant_id, party, link, reason, created_by, created_at)
     SELECT $1, party, $3, $4, $5, $6 FROM unnest($2::text[]) AS party ON CONFLICT DO NOTHING`,
    [given.merchantId, given.parties, given.link, given.reason, given.by, new Date(given.atMs)],
  );
}
