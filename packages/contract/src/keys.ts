import { z } from 'zod';
import { personText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';
import { merchantScopeSchema, merchantScopes, scopeSchema } from './scopes.ts';

export const createApiKeySchema = z
  .strictObject({
    name: personText({ min: 1, max: 100 }).meta({ examples: ['web shop'] }),
    scopes: z
      .array(merchantScopeSchema)
      .min(1)
      .max(merchantScopes.length)
      .refine((list) => new Set(list).size === list.length, 'each scope may be named once')
      .meta({ description: 'What the key may do; at most what the key that makes it may' }),
    expiresAt: timestampInput.optional().meta({ description: 'No longer valid from then on' }),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.infer<typeof createApiKeySchema>;

export const apiKeySchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText.nullable(),
    name: z.string(),
    hint: z.string().meta({ description: 'The end of the key, to tell it from others' }),
    scopes: z.array(scopeSchema),
    createdAt: timestamp,
    madeBy: uuidText.nullable().meta({
      description:
        'The key that made it; null when the administrator did. Keys that come from one another ' +
        'count as one person.',
    }),
    expiresAt: timestamp.nullable(),
    lastUsedAt: timestamp.nullable().meta({ description: 'To the minute' }),
    revokedAt: timestamp.nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKeySchema>;

export const createdApiKeySchema = apiKeySchema
  .extend({ secret: z.string().meta({ description: 'The key itself. It is shown only now.' }) })
  .meta({ id: 'CreatedApiKey' });
export type CreatedApiKey = z.infer<typeof createdApiKeySchema>;

export const apiKeyPageSchema = pageOf(apiKeySchema).meta({ id: 'ApiKeyPage' });
