import { z } from 'zod';
import { jsonObject, timestamp, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** Names such as `order.status_changed`; the list is in webhooks.ts and grows. */
export const eventTypeText = z
  .string()
  .max(64)
  .regex(/^[a-z_]+\.[a-z_]+$/, 'an event type such as "order.status_changed"')
  .meta({ examples: ['order.status_changed'] });

export const eventSchema = z
  .strictObject({
    id: uuidText,
    type: eventTypeText,
    orderId: uuidText.nullable(),
    timestamp: timestamp.meta({ description: 'When it became true' }),
    data: jsonObject,
  })
  .meta({ id: 'Event' });
export type Event = z.infer<typeof eventSchema>;

export const eventListQuerySchema = pageQuerySchema.extend({ type: eventTypeText.optional() });
export const eventPageSchema = pageOf(eventSchema).meta({ id: 'EventPage' });
