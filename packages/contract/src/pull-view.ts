import { z } from 'zod';
import { orderViewSchema } from './order-view.ts';

const money = z.strictObject({ amount: z.string(), currency: z.string() });

/** What a pull payment's page says to whoever has its link. */
export const pullScreens = [
  'open',
  'empty',
  /** There is something left, but no price to reckon it at. */
  'unavailable',
  'not_approved',
  'not_started',
  'expired',
  'archived',
] as const;
export type PullScreen = (typeof pullScreens)[number];

/** A pull payment as its holder sees it: nothing of the store's that the link does not give. */
export const pullViewSchema = z.strictObject({
  screen: z.enum(pullScreens),
  store: orderViewSchema.shape.store,
  network: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  limit: money,
  remaining: money,
  period: z.enum(['day', 'week', 'month']).nullable(),
  periodEnd: z.string().nullable(),
  startsAt: z.string(),
  expiresAt: z.string().nullable(),
  /** For a wallet that scans or that is on this very device; null: nothing can be drawn. */
  links: z.strictObject({ scan: z.string(), here: z.string() }).nullable(),
  draws: z.array(
    z.strictObject({
      amountMsat: z.string(),
      state: z.enum(['open', 'paid', 'failed']),
      at: z.string(),
    }),
  ),
});
export type PullView = z.infer<typeof pullViewSchema>;
