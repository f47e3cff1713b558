import { z } from 'zod';
import { configSchema, type SettingKind } from './schema.ts';

/** One setting as people see it. `path` is its place in the file, `env` its variable. */
export type Setting = {
  path: string;
  env: string;
  kind: SettingKind;
  what: string;
  secret: boolean;
  /** The default as JSON; null when the setting has none. */
  fallback: string | null;
};

const metaSchema = z.object({
  kind: z.enum(['text', 'integer', 'boolean', 'list', 'json']),
  what: z.string(),
  secret: z.boolean().default(false),
  env: z.string().optional(),
});

/** All settings in the schema's order. */
export const settings: readonly Setting[] = collect(configSchema, []);

function collect(schema: z.ZodType, path: string[]): Setting[] {
  let inner: unknown = schema;
  let fallback: string | null = null;
  for (;;) {
    if (inner instanceof z.ZodType) {
      const meta = metaSchema.safeParse(z.globalRegistry.get(inner));
      if (fallback === null) fallback = defaultOf(inner);
      if (meta.success) {
        fallback ??= findDefault(inner);
        const env = meta.data.env ?? `QUITTANCE_${path.map(screaming).join('_')}`;
        const { kind, what, secret } = meta.data;
        return [{ path: path.join('.'), env, kind, what, secret, fallback }];
      }
    }
    if (inner instanceof z.ZodObject) {
      return Object.entries(inner.shape).flatMap(([key, value]) =>
        value instanceof z.ZodType ? collect(value, [...path, key]) : [],
      );
    }
    if (!isWrapper(inner)) throw new Error(`setting ${path.join('.')} is not described`);
    inner = inner.unwrap();
  }
}

type Wrapper = z.ZodOptional | z.ZodDefault | z.ZodPrefault;

function isWrapper(schema: unknown): schema is Wrapper {
  return (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  );
}

function defaultOf(schema: z.ZodType): string | null {
  return schema instanceof z.ZodDefault ? JSON.stringify(schema.def.defaultValue) : null;
}

function findDefault(schema: unknown): string | null {
  for (let inner = schema; isWrapper(inner); inner = inner.unwrap()) {
    if (inner instanceof z.ZodDefault) return defaultOf(inner);
  }
  return null;
}

function screaming(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The settings as a Markdown table, as it stands in docs/configuration.md. */
export function settingsMarkdown(): string {
  const rows = settings.map(({ path, env, fallback, what, secret }) => {
    const shown = fallback === null ? '' : `\`${fallback}\``;
    return `| \`${path}\` | \`${env}\` | ${shown} | ${what}${secret ? ' Secret.' : ''} |`;
  });
  return [
    '| In the file | In the environment | Default | What it is for |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}
