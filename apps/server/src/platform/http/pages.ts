import type { Page } from '@quittance/contract';

/**
 * Makes a page of rows of which one more was read than it may hold: that one is not shown, it says
 * that there are more.
 * @param limit what the page may hold; at most `limit + 1` rows were read
 */
export function pageOfRows<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> {
  const data = rows.slice(0, limit).map((row) => toItem(row));
  return { data, has_more: rows.length > limit };
}
