import { z } from 'zod';
import { eventTypeText } from './events.ts';
import { personText, timestamp, timestampInput, uuidText, webUrl } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** More names than event types exist would only repeat them. */
const MAX_EVENT_TYPES = 50;

const eventTypes = z
  .array(eventTypeText)
  .max(MAX_EVENT_TYPES)
  .meta({ description: 'Types that are sent; empty: every type' });
const endpointStyle = z.enum(['standard', 'classic']).meta({
  description:
    'standard: typed events with Standard Webhooks headers. classic: ' +
    '{orderId, status, message, timestamp} with X-Signature.',
});
const description = personText({ max: 200 });

export const createWebhookEndpointSchema = z
  .strictObject({
    url: webUrl,
    style: endpointStyle.optional(),
    eventTypes: eventTypes.optional(),
    description: description.optional(),
  })
  .meta({ id: 'CreateWebhookEndpoint' });
export type CreateWebhookEndpoint = z.infer<typeof createWebhookEndpointSchema>;

export const updateWebhookEndpointSchema = z
  .strictObject({
    url: webUrl.optional(),
    eventTypes: eventTypes.optional(),
    enabled: z.boolean().optional(),
    description: description.nullable().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'name at least one field to change')
  .meta({ id: 'UpdateWebhookEndpoint' });
export type UpdateWebhookEndpoint = z.infer<typeof updateWebhookEndpointSchema>;

export const webhookEndpointSchema = z
  .strictObject({
    id: uuidText,
    url: z.string(),
    style: endpointStyle,
    eventTypes,
    enabled: z.boolean(),
    description: z.string().nullable(),
    createdAt: timestamp,
    restingUntil: timestamp
      .nullable()
      .meta({ description: 'After a failure nothing is sent before this time' }),
    consecutiveFailures: z.int().min(0),
    secretCount: z
      .int()
      .min(1)
      .meta({ description: 'How many secrets sign: more while they rotate' }),
  })
  .meta({ id: 'WebhookEndpoint' });
export type WebhookEndpoint = z.infer<typeof webhookEndpointSchema>;

/** Secrets are shown when they are made, never again. */
export const webhookEndpointWithSecretSchema = webhookEndpointSchema
  .extend({ secret: z.string().meta({ description: 'Verifies signatures. Shown only now.' }) })
  .meta({ id: 'WebhookEndpointWithSecret' });
export type WebhookEndpointWithSecret = z.infer<typeof webhookEndpointWithSecretSchema>;

export const webhookDeliverySchema = z
  .strictObject({
    id: uuidText,
    endpointId: uuidText,
    eventId: uuidText,
    eventType: eventTypeText,
    state: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.int().min(0),
    nextAttemptAt: timestamp.nullable(),
    createdAt: timestamp,
    finishedAt: timestamp.nullable(),
    replayOf: uuidText.nullable(),
    lastStatus: z.int().nullable().meta({ description: 'HTTP status of the last attempt' }),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;

export const webhookAttemptSchema = z
  .strictObject({
    number: z.int().min(1),
    startedAt: timestamp,
    durationMs: z.int().min(0),
    status: z.int().nullable(),
    error: z.string().nullable(),
    response: z.string().nullable().meta({ description: 'The beginning of what was answered' }),
  })
  .meta({ id: 'WebhookAttempt' });
export type WebhookAttempt = z.infer<typeof webhookAttemptSchema>;

export const webhookDeliveryWithAttemptsSchema = webhookDeliverySchema
  .extend({ attemptLog: z.array(webhookAttemptSchema) })
  .meta({ id: 'WebhookDeliveryWithAttempts' });

export const webhookPingSchema = z
  .strictObject({ deliveryId: uuidText, eventId: uuidText })
  .meta({ id: 'WebhookPing' });

export const replayFailedSchema = z
  .strictObject({ since: timestampInput.meta({ description: 'Deliveries made since then' }) })
  .meta({ id: 'ReplayFailed' });
export const replayedSchema = z
  .strictObject({ replayed: z.int().min(0) })
  .meta({ id: 'Replayed', description: 'Call again until it is 0' });

export const webhookDeliveryListQuerySchema = pageQuerySchema.extend({
  state: z.enum(['pending', 'delivered', 'failed']).optional(),
});
export const webhookEndpointPageSchema = pageOf(webhookEndpointSchema).meta({
  id: 'WebhookEndpointPage',
});
export const webhookDeliveryPageSchema = pageOf(webhookDeliverySchema).meta({
  id: 'WebhookDeliveryPage',
});
