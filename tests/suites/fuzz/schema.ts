import { z } from 'zod';
import type { Dice } from './random.ts';

/** The part of JSON Schema that the API's document uses. */
export type Schema = {
  $ref?: string | undefined;
  type?: string | string[] | undefined;
  properties?: Record<string, Schema> | undefined;
  required?: string[] | undefined;
  additionalProperties?: unknown;
  items?: Schema | undefined;
  enum?: unknown[] | undefined;
  const?: unknown;
  anyOf?: Schema[] | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  maxItems?: number | undefined;
  minItems?: number | undefined;
  format?: string | undefined;
  pattern?: string | undefined;
  examples?: unknown[] | undefined;
};

const parameterSchema = z.looseObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  schema: z.custom<Schema>(),
});
const operationSchema = z.looseObject({
  operationId: z.string(),
  description: z.string().optional(),
  security: z.array(z.unknown()).optional(),
  parameters: z.array(parameterSchema).optional(),
  requestBody: z
    .looseObject({
      required: z.boolean().optional(),
      content: z.record(z.string(), z.looseObject({ schema: z.custom<Schema>() })),
    })
    .optional(),
});
export const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), z.custom<Schema>()) }),
});
export type Document = z.infer<typeof documentSchema>;
export type Parameter = z.infer<typeof parameterSchema>;

export type Operation = {
  id: string;
  method: string;
  path: string;
  guarded: boolean;
  /** Whose keys may call it, by the scopes that its description names. */
  isAdmins: boolean;
  isMerchants: boolean;
  parameters: Parameter[];
  body: Schema | undefined;
  bodyRequired: boolean;
};

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const body = operation.requestBody?.content['application/json']?.schema;
      const [, named = ''] = /Scope: (.*)\./.exec(operation.description ?? '') ?? [];
      const scopes = named.split(' or ');
      return {
        isAdmins: scopes.includes('`instance:admin`'),
        isMerchants: scopes.some((scope) => scope !== '`instance:admin`'),
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        guarded: operation.security !== undefined,
        parameters: operation.parameters ?? [],
        body: body === undefined ? undefined : resolve(document, body),
        bodyRequired: operation.requestBody?.required === true,
      };
    }),
  );
}

export function resolve(document: Document, schema: Schema): Schema {
  let found = schema;
  while (found.$ref !== undefined) {
    const name = found.$ref.split('/').at(-1) ?? '';
    const target = document.components.schemas[name];
    if (target === undefined) throw new Error(`the document does not define ${name}`);
    found = target;
  }
  return found;
}

/** A value that fits the schema: what each mutation starts from. Optional fields come and go. */
export function validValue(document: Document, given: Schema, dice: Dice): unknown {
  const schema = resolve(document, given);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return dice.pick(schema.enum);
  const [first] = schema.anyOf ?? [];
  if (first !== undefined) return validValue(document, first, dice);
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).filter(
      ([name]) => schema.required?.includes(name) === true || dice.chance(30),
    );
    return Object.fromEntries(
      fields.map(([name, field]) => [name, validValue(document, field, dice)]),
    );
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return true;
  if (type === 'array') {
    return schema.items === undefined ? [] : [validValue(document, schema.items, dice)];
  }
  if (type === 'object') return {};
  return 'x'.repeat(Math.max(1, schema.minLength ?? 1));
}
