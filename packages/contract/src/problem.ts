import { z } from 'zod';
import { type ErrorCode, errorTable } from './errors.ts';

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

/** Every answer that is not a success (RFC 9457, application/problem+json). */
export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: 'Names the kind of problem; made from the code' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes).meta({ description: 'Stable; programs may depend on it' }),
    detail: z.string().meta({ description: 'What is wrong and what to do, for a person' }),
    fields: z
      .array(
        z.strictObject({
          pointer: z.string().meta({ description: 'Where it is: a JSON pointer (RFC 6901)' }),
          detail: z.string(),
        }),
      )
      .optional(),
    requestId: z.string().meta({ description: 'Names this request in the log' }),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457)' });
export type Problem = z.infer<typeof problemSchema>;
