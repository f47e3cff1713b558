import { parseDocument } from 'yaml';
import { ListError } from '../errors.ts';
import type { ImportEvent } from '../list-entry.ts';
import { buildEntry } from './entry-builder.ts';
import { isObject, type JsonObject, strings } from './json-lines.ts';
import { type Line, readLines } from './read-lines.ts';

/**
 * GraphSense tagpacks: a header of defaults, then `tags:`, each with an address and what differs.
 * The file is cut into its tags by indentation and each is read as YAML by itself: a mistake costs
 * one tag, and a pack of any size needs little memory. All values are read as text: 0xbe0e… is an
 * address, not a number. Aliases of YAML that cross tags are not known.
 */
export async function* importTagpack(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) yield* importOne(file);
}

async function* importOne(file: string): AsyncGenerator<ImportEvent> {
  const header: string[] = [];
  let defaults: JsonObject | undefined;
  let tag: Line[] = [];
  let bullet: string | undefined;
  for await (const { text, line } of readLines(file)) {
    if (defaults === undefined) {
      if (/^tags:\s*(?:#.*)?$/.test(text)) defaults = readHeader(file, header);
      else header.push(text);
      continue;
    }
    bullet ??= /^\s*-\s/.exec(text)?.[0].replace(/-.*$/, '');
    const begins = bullet !== undefined && text.startsWith(`${bullet}- `);
    if (begins && tag.length > 0) {
      yield* toEntry(file, tag, defaults);
      tag = [];
    }
    if (/^\S/.test(text) && !begins && !text.startsWith('#')) {
      // Back at the margin: keys of the header may follow the tags; they come too late for them.
      yield { kind: 'finding', finding: { file, line, message: `after the tags: "${text}"` } };
      continue;
    }
    if (text.trim() !== '') tag.push({ text, line });
  }
  if (defaults === undefined) throw new ListError(file, 1, 'no line "tags:": not a tagpack');
  if (tag.length > 0) yield* toEntry(file, tag, defaults);
}

function readHeader(file: string, lines: readonly string[]): JsonObject {
  const document = parseDocument(lines.join('\n'), { schema: 'failsafe', uniqueKeys: false });
  const [error] = document.errors;
  const value: unknown = error === undefined ? document.toJS() : undefined;
  if (!isObject(value)) {
    throw new ListError(file, error?.linePos?.[0].line ?? 1, 'the header is not readable as YAML');
  }
  return value;
}

function toEntry(file: string, lines: readonly Line[], defaults: JsonObject): ImportEvent[] {
  const line = lines[0]?.line ?? 0;
  const fail = (message: string): ImportEvent[] => [
    { kind: 'finding', finding: { file, line, message } },
  ];
  const document = parseDocument(lines.map(({ text }) => text).join('\n'), { schema: 'failsafe' });
  if (document.errors.length > 0) return fail('a tag that is not readable as YAML');
  const value: unknown = document.toJS();
  const given: unknown = Array.isArray(value) ? value[0] : undefined;
  if (!isObject(given)) return fail('a tag that is not a mapping');
  const tag: JsonObject = { ...defaults, ...given };
  const get = (key: string) => strings(tag[key])[0] ?? '';
  const address = get('address');
  if (address === '') return fail('a tag without an address');
  const list = `tagpack-${get('title')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')}`;
  const asset = get('currency') || 'BTC';
  const label = get('label');
  const id = `${asset}:${address}:${label}`;
  const entry = buildEntry({ list, id, schema: 'LegalEntity', file, line, label });
  entry.address(asset, address);
  for (const key of ['category', 'abuse', 'actor', 'confidence']) {
    if (get(key) !== '') entry.topic(`${key}:${get(key)}`);
  }
  return entry.events();
}
