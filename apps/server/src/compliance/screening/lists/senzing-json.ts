import type { EntrySchema, ImportEvent } from '../list-entry.ts';
import { buildEntry } from './entry-builder.ts';
import { type JsonObject, objects, readJsonLines, strings } from './json-lines.ts';

/** Records of Senzing's generic entity specification, one in a line, as OpenSanctions publishes them. */

const SCHEMAS: Readonly<Record<string, EntrySchema>> = {
  PERSON: 'Person',
  ORGANIZATION: 'Organization',
  COMPANY: 'Organization',
  VESSEL: 'Vessel',
  AIRCRAFT: 'Aircraft',
};

export async function* importSenzing(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for await (const one of readJsonLines(files)) {
    if ('kind' in one) {
      yield one as ImportEvent;
      continue;
    }
    const { file, line, object } = one;
    const [id] = strings(object['RECORD_ID']);
    if (id === undefined) {
      yield { kind: 'finding', finding: { file, line, message: 'no RECORD_ID' } };
      continue;
    }
    const [source = 'senzing'] = strings(object['DATA_SOURCE']);
    const [type = ''] = strings(object['RECORD_TYPE']);
    const schema = SCHEMAS[type.toUpperCase()] ?? 'LegalEntity';
    const list = source.toLowerCase().replaceAll('_', '-');
    const entry = buildEntry({ list, id, schema, file, line });
    for (const name of objects(object['NAMES'])) {
      const [kind = 'ALIAS'] = strings(name['NAME_TYPE']);
      entry.name(fullName(name), kind.toUpperCase() === 'PRIMARY' ? 'primary' : 'alias');
    }
    for (const date of objects(object['DATES'])) {
      for (const birth of strings(date['DATE_OF_BIRTH'])) entry.birthDate(birth);
    }
    for (const country of objects(object['COUNTRIES'])) {
      for (const value of Object.values(country)) {
        for (const text of strings(value)) entry.country(text);
      }
    }
    for (const gender of strings(object['GENDER'])) entry.gender(gender);
    for (const risk of objects(object['RISKS'])) strings(risk['TOPIC']).forEach(entry.topic);
    yield* entry.events();
  }
}

function fullName(name: JsonObject): string {
  const [whole] = [...strings(name['NAME_FULL']), ...strings(name['NAME_ORG'])];
  if (whole !== undefined) return whole;
  const parts = ['NAME_PREFIX', 'NAME_FIRST', 'NAME_MIDDLE', 'NAME_LAST', 'NAME_SUFFIX'];
  return parts.flatMap((part) => strings(name[part])).join(' ');
}
