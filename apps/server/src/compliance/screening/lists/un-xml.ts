import type { ImportEvent } from '../list-entry.ts';
import { dateOf } from './dates.ts';
import { buildEntry, type EntryBuilder } from './entry-builder.ts';
import { children, readXml, textOf, type XmlElement } from './read-xml.ts';

/** The United Nations Security Council's consolidated list, https://www.un.org/sc/resources/sc-sanctions.xsd */

export const UN_LIST = 'un';

const NAME_PARTS = ['FIRST_NAME', 'SECOND_NAME', 'THIRD_NAME', 'FOURTH_NAME'];

export async function* importUnXml(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    for await (const element of readXml(file, new Set(['INDIVIDUAL', 'ENTITY']))) {
      yield* toEntry(file, element);
    }
  }
}

function toEntry(file: string, element: XmlElement): ImportEvent[] {
  const person = element.name === 'INDIVIDUAL';
  const id = textOf(element, 'REFERENCE_NUMBER') || textOf(element, 'DATAID');
  const schema = person ? 'Person' : 'Organization';
  const entry = buildEntry({ list: UN_LIST, id, schema, file, line: element.line });
  entry.name(NAME_PARTS.map((part) => textOf(element, part)).join(' '), 'primary');
  entry.name(textOf(element, 'NAME_ORIGINAL_SCRIPT'), 'original');
  for (const alias of children(element, `${element.name}_ALIAS`)) {
    const weak = textOf(alias, 'QUALITY').toLowerCase() === 'low';
    // Several names in one cell are separated by semicolons.
    for (const name of textOf(alias, 'ALIAS_NAME').split(';')) {
      entry.name(name, weak ? 'weak' : 'alias');
    }
  }
  entry.gender(textOf(element, 'GENDER'));
  entry.topic(textOf(element, 'UN_LIST_TYPE'));
  for (const nationality of children(element, 'NATIONALITY')) {
    for (const value of children(nationality, 'VALUE')) country(entry, value.text);
  }
  for (const address of children(element, `${element.name}_ADDRESS`)) {
    country(entry, textOf(address, 'COUNTRY'));
  }
  for (const birth of children(element, 'INDIVIDUAL_DATE_OF_BIRTH')) readBirth(entry, birth);
  return entry.events();
}

/** Some cells hold a sentence about a country; only a plain one is a fact. */
function country(entry: EntryBuilder, text: string): void {
  if (text.trim().length <= 60) entry.country(text);
}

function readBirth(entry: EntryBuilder, birth: XmlElement): void {
  const circa = textOf(birth, 'TYPE_OF_DATE') === 'APPROXIMATELY' ? 'circa ' : '';
  const [from, to] = [textOf(birth, 'FROM_YEAR'), textOf(birth, 'TO_YEAR')];
  if (from !== '' && to !== '') {
    const [first, last] = [dateOf(Number(from), null, null), dateOf(Number(to), null, null)];
    const range = first && last && { from: first.from, to: last.to };
    entry.birthRange(range, `${from} to ${to}`);
    return;
  }
  // The schema's dates may carry an offset ("1971-03-01+01:00"); the day is what counts.
  const day = textOf(birth, 'DATE').replace(/^(\d{4}-\d{2}-\d{2}).*$/, '$1');
  if (day !== '') entry.birthDate(circa + day);
  else if (textOf(birth, 'YEAR') !== '') entry.birthDate(circa + textOf(birth, 'YEAR'));
}
