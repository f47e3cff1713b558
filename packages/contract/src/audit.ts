import { z } from 'zod';
import { jsonObject, timestamp, uuidText } from './fields.ts';
import { pageOf } from './pages.ts';

export const auditEntrySchema = z
  .strictObject({
    id: uuidText,
    at: timestamp,
    actor: z.string().meta({ description: 'Who did it', examples: ['key:0199aa40-…'] }),
    action: z.string().meta({ examples: ['settings.updated'] }),
    subject: z.string().meta({ description: 'What it was done to' }),
    detail: jsonObject,
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditPageSchema = pageOf(auditEntrySchema).meta({ id: 'AuditPage' });
