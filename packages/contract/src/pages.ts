import { z } from 'zod';
import { uuidText } from './fields.ts';

export const DEFAULT_PAGE_SIZE = 25;
/** More rows in one answer would hold the connection and the memory too long. */
export const MAX_PAGE_SIZE = 100;

/** Query of every list by cursor. */
export const pageQuerySchema = z.strictObject({
  starting_after: uuidText
    .optional()
    .meta({ description: 'Id of the last item of the page before; absent for the first page' }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE_SIZE)
    .default(DEFAULT_PAGE_SIZE)
    .meta({ description: 'Items in one answer' }),
});

/** One page of a list; `has_more` tells whether to ask again with `starting_after`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ data: z.array(item), has_more: z.boolean() });
}
export type Page<Item> = { data: Item[]; has_more: boolean };
