import { ListError } from '../errors.ts';
import type { ImportEvent } from '../list-entry.ts';
import { dateOf } from './dates.ts';
import { buildEntry, type EntryBuilder } from './entry-builder.ts';
import { readCsv } from './read-csv.ts';

/**
 * The European Union's consolidated list as CSV (version 1.1 of its format): semicolons, a header, and
 * a row for each name, address, birth date and citizenship of an entity, all with its
 * Entity_LogicalId. Read by its documented columns, whatever their order; rows of an entity need not
 * follow each other.
 */

export const EU_LIST = 'eu';

const NEEDED = ['entity_logicalid', 'namealias_wholename'];

export async function* importEuCsv(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    let columns: Map<string, number> | undefined;
    const entries = new Map<string, EntryBuilder>();
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
      let entry = entries.get(id);
      if (entry === undefined) {
        const schema = isPerson(get) ? 'Person' : 'Organization';
        entry = buildEntry({ list: EU_LIST, id, schema, file, line });
        entries.set(id, entry);
      }
      readRow(entry, get);
    }
    for (const entry of entries.values()) yield* entry.events();
  }
}

type Get = (column: string) => string;

/** Entity_SubjectType is P or E; its ClassificationCode says person or enterprise. */
function isPerson(get: Get): boolean {
  return ['entity_subjecttype', 'entity_subjecttype_classificationcode'].some((column) =>
    /^p(?:erson)?$/i.test(get(column)),
  );
}

function readRow(entry: EntryBuilder, get: Get): void {
  const parts = ['firstname', 'middlename', 'lastname'].map((part) => get(`namealias_${part}`));
  const isWeak = /low quality/i.test(get('namealias_remark'));
  entry.name(get('namealias_wholename') || parts.join(' '), isWeak ? 'weak' : 'alias');
  entry.gender(get('namealias_gender'));
  readBirth(entry, get);
  for (const column of ['citizenship_countryiso2code', 'address_countryiso2code']) {
    // 00 is the list's code for an unknown country.
    if (get(column) !== '00') entry.country(get(column));
  }
  entry.topic(get('entity_regulation_programme'));
}

/** A day, or its parts as far as they are known, or a span of years. */
function readBirth(entry: EntryBuilder, get: Get): void {
  const calendar = get('birthdate_calendartype');
  if (calendar !== '' && !/^gregorian$/i.test(calendar)) {
    return entry.finding(`a birth date of the calendar ${calendar}; left out`);
  }
  const circa = /^(?:1|true|y|yes)$/i.test(get('birthdate_circa')) ? 'circa ' : '';
  const [from, to] = [get('birthdate_yearrangefrom'), get('birthdate_yearrangeto')];
  const [year, month, day] = ['year', 'month', 'day'].map((part) => get(`birthdate_${part}`));
  if (get('birthdate_birthdate') !== '') entry.birthDate(circa + get('birthdate_birthdate'));
  else if (year !== '' && year !== undefined) {
    const number = (text: string | undefined) => Number(text ?? '') || null;
    const range = dateOf(Number(year), number(month), number(day));
    entry.birthRange(range, [year, month, day].join('-'));
  } else if (from !== '' || to !== '') entry.birthDate(`${from || to} to ${to || from}`);
}
