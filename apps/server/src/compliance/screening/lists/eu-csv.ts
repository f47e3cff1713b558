import { ListError } from '../errors.ts';
import type { ImportEvent } from '../list-entry.ts';
import { buildEntry, type EntryBuilder } from './entry-builder.ts';
import { readCsv } from './read-csv.ts';

/**
 * The European Union's consolidated list as CSV (version 1.1 of its format): semicolons, a header,
 * and a row for each name, address, birth date and citizenship; rows of an entity have one
 * Entity_LogicalId and follow each other. Read by its documented columns, whatever their order.
 */

export const EU_LIST = 'eu';

const NEEDED = ['entity_logicalid', 'namealias_wholename'];

export async function* importEuCsv(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    let columns: Map<string, number> | undefined;
    let current: { id: string; entry: EntryBuilder } | undefined;
    for await (const { cells, line } of readCsv(file, ';')) {
      if (columns === undefined) {
        columns = new Map(cells.map((cell, at) => [cell.trim().toLowerCase(), at]));
        const missing = NEEDED.find((name) => columns?.has(name) !== true);
        if (missing !== undefined) throw new ListError(file, line, `no column ${missing}`);
        continue;
      }
      const known = columns;
      const get = (name: string) => (cells[known.get(name) ?? -1] ?? '').trim();
      const id = get('entity_logicalid');
      if (id === '') {
        const message = 'a row without Entity_LogicalId; left out';
        yield { kind: 'finding', finding: { file, line, message } };
        continue;
      }
      if (current?.id !== id) {
        if (current !== undefined) yield* current.entry.events();
        const schema = isPerson(get) ? 'Person' : 'Organization';
        current = { id, entry: buildEntry({ list: EU_LIST, id, schema, file, line }) };
      }
      readRow(current.entry, get);
    }
    if (current !== undefined) yield* current.entry.events();
  }
}

type Get = (column: string) => string;

function isPerson(get: Get): boolean {
  const code = get('entity_subjecttype_classificationcode') || get('entity_subjecttype');
  return /^p(?:erson)?$/i.test(code);
}

function readRow(entry: EntryBuilder, get: Get): void {
  const parts = ['firstname', 'middlename', 'lastname'].map((part) => get(`namealias_${part}`));
  entry.name(get('namealias_wholename') || parts.join(' '), 'alias');
  entry.gender(get('namealias_gender'));
  entry.birthDate(get('birthdate_birthdate') || get('birthdate_year'));
  for (const column of ['citizenship_countryiso2code', 'address_countryiso2code']) {
    // 00 is the list's code for an unknown country.
    if (get(column) !== '00') entry.country(get(column));
  }
  entry.topic(get('entity_regulation_programme'));
}
