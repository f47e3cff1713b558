import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import { z } from 'zod';
import { AppError, type FieldError } from '../errors.ts';

/** More than this many wrong fields help nobody. */
const MAX_FIELD_ERRORS = 20;
/** Tells a field that is missing from one of the wrong kind. */
const WITH_INPUT = { reportInput: true };

/** Checks a part of a request against its zod schema; what it answers names each wrong field. */
export const compileValidator: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  if (!(schema instanceof z.ZodType)) throw new Error('a route schema must be a zod schema');
  const prefix = httpPart === 'body' ? '' : `/${httpPart ?? ''}`;
  return (data: unknown) => {
    const result = schema.safeParse(data, WITH_INPUT);
    if (result.success) return { value: result.data };
    return { error: invalidRequest(result.error, prefix) };
  };
};

/** Turns what zod found into the error that is answered. */
export function invalidRequest(error: z.ZodError, prefix = ''): AppError {
  const fields = error.issues.flatMap((issue) => describe(issue, prefix));
  const [first] = fields;
  const place = first === undefined || first.pointer === '' ? '' : `${first.pointer}: `;
  return new AppError(
    'invalid_request',
    `${place}${first?.detail ?? 'The request is not valid'}.`.replace(/\.\.$/, '.'),
    { fields: fields.slice(0, MAX_FIELD_ERRORS) },
  );
}

function describe(issue: z.core.$ZodIssue, prefix: string): FieldError[] {
  const pointer = prefix + issue.path.map((step) => `/${escapePointer(String(step))}`).join('');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_FIELD_ERRORS).map((name) => ({
      pointer: `${pointer}/${escapePointer(name)}`,
      detail: 'there is no such field',
    }));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return [{ pointer, detail: pointer === prefix ? 'a JSON object is needed' : 'is needed' }];
  }
  return [{ pointer, detail: issue.message }];
}

/** RFC 6901 §3. The name is the caller's: cut, and without what can't be written back. */
function escapePointer(step: string): string {
  return step.slice(0, 100).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * Writes answers. `checked` parses each answer by its schema first and fails on a difference:
 * tests do; in production it would cost more than making the answer.
 */
export function serializerCompiler(checked: boolean): FastifySerializerCompiler<unknown> {
  return ({ schema, method, url, httpStatus }) => {
    if (!checked || !(schema instanceof z.ZodType)) return (data) => JSON.stringify(data);
    return (data) => {
      const result = schema.safeParse(data);
      if (result.success) return JSON.stringify(data);
      const where = `${method} ${url} ${httpStatus ?? ''}`;
      throw new Error(`${where} answers against its schema: ${z.prettifyError(result.error)}`);
    };
  };
}
