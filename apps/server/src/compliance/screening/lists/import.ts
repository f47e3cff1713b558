import { stat } from 'node:fs/promises';
import { ListError } from '../errors.ts';
import type { ImportEvent } from '../list-entry.ts';
import { importAddressList } from './address-list.ts';
import { importEuCsv } from './eu-csv.ts';
import { importFtm } from './ftm-json.ts';
import { importOfacCsv } from './ofac-csv.ts';
import { importOfacXml } from './ofac-xml.ts';
import { importSenzing } from './senzing-json.ts';
import { importTagpack } from './tagpack-yaml.ts';
import { importUnXml } from './un-xml.ts';

type Importer = (files: readonly string[]) => AsyncGenerator<ImportEvent>;

const IMPORTERS = {
  'ofac-sdn-csv': importOfacCsv,
  'ofac-advanced-xml': importOfacXml,
  'un-xml': importUnXml,
  'eu-csv': importEuCsv,
  ftm: importFtm,
  senzing: importSenzing,
  tagpack: importTagpack,
  addresses: importAddressList,
} as const satisfies Readonly<Record<string, Importer>>;

export type ListFormat = keyof typeof IMPORTERS;

export const LIST_FORMATS = Object.keys(IMPORTERS) as readonly ListFormat[];

export function isListFormat(text: string): text is ListFormat {
  return Object.hasOwn(IMPORTERS, text);
}

/**
 * Reads a list, entry by entry, with what could not be read.
 * @throws {ListError} for a file that is missing, cut, or not of that format: nothing of the list
 *   may then be used
 */
export async function* importList(
  format: ListFormat,
  files: readonly string[],
): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) throw new ListError(file, 0, 'there is no such file');
  }
  let entries = 0;
  for await (const event of IMPORTERS[format](files)) {
    if (event.kind === 'entry') entries++;
    yield event;
  }
  // An empty list would silently let everybody through.
  if (entries === 0) throw new ListError(files[0] ?? '', 0, `no entry found: is this ${format}?`);
}
