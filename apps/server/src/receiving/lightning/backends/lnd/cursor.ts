import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';

/** How far we have read. Numbers are LND's own indexes, in text since they have 64 bits. */
const cursorShape = z.strictObject({
  /** Everything settled up to this settle index was told. */
  settled: z.string().regex(/^\d+$/),
  /** While `settled` is 0: how far the list of all invoices was read. See `read-invoices.ts`. */
  listed: z.string().regex(/^\d+$/),
  /** Settled invoices seen in that list: how many, and the highest settle index. */
  counted: z.int(),
  highest: z.string().regex(/^\d+$/),
  /** Add indexes of invoices that are held and were told so. */
  held: z.array(z.string()),
  /** Every payment up to this index was told or stands in `open`. */
  payments: z.string().regex(/^\d+$/),
  /** Hashes of payments that had not ended. */
  open: z.array(z.string()),
});
export type LndCursor = z.infer<typeof cursorShape>;

export function readCursor(text: string | null): LndCursor {
  if (text === null) {
    return {
      settled: '0',
      listed: '0',
      counted: 0,
      highest: '0',
      held: [],
      payments: '0',
      open: [],
    };
  }
  try {
    return cursorShape.parse(JSON.parse(text));
  } catch (error) {
    throw new LightningNodeError('refused', 'this is no cursor of the LND backend', {
      cause: error,
    });
  }
}
