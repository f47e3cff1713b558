import { formatLabels, type Label, parseLabels } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { countLabels, readLabels, readOrderLabels, upsertLabels } from './label-store.ts';

/** Labels of one store. Somebody with more keeps them in the wallet software. */
const MAX_LABELS = 200_000;
/** Addresses of orders that an export names; the newest come first. */
const MAX_ORDER_LABELS = 100_000;
/** What BIP329 suggests as the length of a label. */
const MAX_LABEL_LENGTH = 255;
const MAX_REF_LENGTH = 200;
/** More than these help nobody. */
const MAX_REFUSALS = 100;

/** NUL and halves of surrogate pairs, as JSON writes them: PostgreSQL stores neither. */
const UNSTORABLE = /\\u0000|\\ud[89a-f]/i;

export type ImportedLabels = {
  imported: number;
  refused: { line: number; reason: string }[];
};

/**
 * Takes in labels as wallet software exports them (BIP329). A label of the same thing replaces what
 * was there; a line that is wrong is refused and the others count. An output with `spendable` false
 * is frozen: it is in no plan until a later label says otherwise.
 * @throws {AppError} conflict when the store would have too many
 */
export async function importLabels(
  tx: Tx,
  merchantId: Uuid,
  text: string,
): Promise<ImportedLabels> {
  const { labels, errors } = parseLabels(text);
  const refused = errors.map(({ line, reason }) => ({ line, reason }));
  const accepted = new Map<string, Label>();
  for (const label of labels) {
    const reason = refusalOf(label);
    // The parser gives no line to a label that it could read: it is named by what it is about.
    if (reason === null) accepted.set(`${label.type} ${label.ref}`, label);
    else refused.push({ line: lineOf(text, label), reason });
  }
  await upsertLabels(tx, merchantId, [...accepted.values()]);
  if ((await countLabels(tx, merchantId, MAX_LABELS + 1)) > MAX_LABELS) {
    throw new AppError('conflict', `A store can have ${MAX_LABELS} labels.`);
  }
  return { imported: accepted.size, refused: refused.slice(0, MAX_REFUSALS) };
}

function refusalOf(label: Label): string | null {
  if ((label.label?.length ?? 0) > MAX_LABEL_LENGTH) return 'the label is too long';
  if (label.ref.length > MAX_REF_LENGTH) return 'ref is too long';
  if (UNSTORABLE.test(JSON.stringify(label))) return 'a character in it can not be stored';
  return null;
}

function lineOf(text: string, label: Label): number {
  const at = text.split('\n').findIndex((line) => line.includes(label.ref));
  return Math.max(at, 0) + 1;
}

/**
 * The store's labels, and one for each address of this wallet that an order was paid at, as wallet
 * software imports them.
 */
export async function exportLabels(
  tx: Tx,
  { merchantId, walletId }: { merchantId: Uuid; walletId: Uuid },
): Promise<string> {
  const own = await readLabels(tx, merchantId, MAX_LABELS);
  const named = new Set(own.map(({ type, ref }) => `${type} ${ref}`));
  const orders = await readOrderLabels(tx, { merchantId, walletId, limit: MAX_ORDER_LABELS });
  const automatic = orders
    .filter(({ address }) => !named.has(`addr ${address}`))
    .map(
      ({ address, orderId, externalId }): Label => ({
        type: 'addr',
        ref: address,
        label: `order ${externalId ?? orderId}`.slice(0, MAX_LABEL_LENGTH),
        other: {},
      }),
    );
  return formatLabels([...own, ...automatic]);
}
