import { ListError } from '../errors.ts';
import type { EntrySchema, ImportEvent } from '../list-entry.ts';
import { buildEntry, type EntryBuilder } from './entry-builder.ts';
import { type CsvRecord, readCsv } from './read-csv.ts';

/**
 * OFAC's SDN list as its four CSV files: the entries (sdn), their other names (alt), their addresses
 * (add), and what did not fit into an entry's remarks (comments). They are told apart by the number
 * of their columns, joined by the entry's number. `-0-` is an empty cell; the files end in 1Ah.
 *
 * https://ofac.treasury.gov/sdn-list-data-formats-data-schemas
 */

export const OFAC_LIST = 'ofac-sdn';

const COLUMNS = { sdn: 12, add: 6, alt: 5, comments: 2 } as const;
type FileKind = keyof typeof COLUMNS;

type Joined = { names: CsvRecord[]; addresses: CsvRecord[]; comments: string };

export async function* importOfacCsv(files: readonly string[]): AsyncGenerator<ImportEvent> {
  const joined = new Map<string, Joined>();
  const main: string[] = [];
  for (const file of files) {
    const kind = await kindOfFile(file);
    if (kind === 'sdn') main.push(file);
    else yield* readJoined(file, kind, joined);
  }
  if (main.length === 0)
    throw new ListError(files[0] ?? '', 1, 'the entries (sdn.csv) are missing');
  const used = new Set<string>();
  for (const file of main) {
    for await (const record of records(file)) {
      if (record.cells.length !== COLUMNS.sdn) {
        yield columnsFinding(file, record, COLUMNS.sdn);
        continue;
      }
      const id = record.cells[0] ?? '';
      if (used.has(id)) {
        yield finding(file, record.line, `entry ${id} is there twice; this one is left out`);
        continue;
      }
      used.add(id);
      yield* toEntry(file, record, joined.get(id));
    }
  }
  for (const [id, { names }] of joined) {
    const lost = names[0];
    if (!used.has(id) && lost !== undefined) {
      yield finding(files[0] ?? '', lost.line, `other names of ${id}, which has no entry`);
    }
  }
}

async function kindOfFile(file: string): Promise<FileKind> {
  for await (const { cells } of records(file)) {
    const found = (['sdn', 'add', 'alt', 'comments'] as const).find(
      (kind) => COLUMNS[kind] === cells.length,
    );
    if (found !== undefined && /^\d+$/.test(cells[0] ?? '')) return found;
    break;
  }
  throw new ListError(file, 1, "not one of OFAC's CSV files (12, 6, 5 or 2 columns, number first)");
}

async function* records(file: string): AsyncGenerator<CsvRecord> {
  for await (const { cells, line } of readCsv(file, ',')) {
    const clean = cells.map((cell) => {
      const plain = cell.replace(/\u001a/g, '').trim();
      return plain === '-0-' ? '' : plain;
    });
    // The byte 1Ah alone on the last line is the end of the file.
    if (clean.length > 1 || clean[0] !== '') yield { cells: clean, line };
  }
}

async function* readJoined(
  file: string,
  kind: Exclude<FileKind, 'sdn'>,
  joined: Map<string, Joined>,
): AsyncGenerator<ImportEvent> {
  for await (const record of records(file)) {
    const id = record.cells[0] ?? '';
    if (record.cells.length !== COLUMNS[kind]) {
      yield columnsFinding(file, record, COLUMNS[kind]);
      continue;
    }
    const known = joined.get(id) ?? { names: [], addresses: [], comments: '' };
    if (kind === 'alt') known.names.push(record);
    else if (kind === 'add') known.addresses.push(record);
    else known.comments += record.cells[1] ?? '';
    joined.set(id, known);
  }
}

function columnsFinding(file: string, { cells, line }: CsvRecord, expected: number): ImportEvent {
  return finding(file, line, `${cells.length} columns where ${expected} belong; left out`);
}

function finding(file: string, line: number, message: string): ImportEvent {
  return { kind: 'finding', finding: { file, line, message } };
}

const SCHEMAS: Readonly<Record<string, EntrySchema>> = {
  individual: 'Person',
  vessel: 'Vessel',
  aircraft: 'Aircraft',
};

function toEntry(
  file: string,
  { cells, line }: CsvRecord,
  joined: Joined | undefined,
): ImportEvent[] {
  const [id = '', name = '', type = '', programmes = ''] = cells;
  const schema = SCHEMAS[type] ?? 'Organization';
  const entry = buildEntry({ list: OFAC_LIST, id, schema, file, line });
  entry.name(name, 'primary');
  for (const { cells: alt } of joined?.names ?? []) entry.name(alt[3] ?? '', 'alias');
  for (const { cells: address } of joined?.addresses ?? []) country(entry, address[4] ?? '');
  for (const programme of programmes.split('] [')) entry.topic(programme);
  country(entry, cells[9] ?? '');
  readRemarks(entry, (cells[11] ?? '') + (joined?.comments ?? ''));
  return entry.events();
}

/** "Region: Crimea" and "undetermined" stand where a country would: they are none, not mistakes. */
function country(entry: EntryBuilder, text: string): void {
  if (!/^(?:region:|undetermined)/i.test(text)) entry.country(text);
}

/** Remarks are a sentence of clauses, separated by semicolons, each with its keyword in front. */
export function readRemarks(entry: EntryBuilder, remarks: string): void {
  for (const clause of remarks.split(/;\s*/)) {
    const plain = clause.trim().replace(/\.$/, '');
    const birth = /^(?:alt\. )?DOB (.+)$/.exec(plain)?.[1];
    if (birth !== undefined) entry.birthDate(birth);
    const home = /^(?:alt\. )?(?:nationality|citizen) (.+)$/.exec(plain)?.[1];
    if (home !== undefined) country(entry, home);
    const gender = /^Gender (\w+)$/.exec(plain)?.[1];
    if (gender !== undefined) entry.gender(gender);
    const weak = /^[af]\.k\.a\. '(.+)'$/.exec(plain)?.[1];
    if (weak !== undefined) entry.name(weak, 'weak');
  }
  const coins = /Digital Currency Address - ([A-Z0-9]+) ([A-Za-z0-9]+)/g;
  for (const [, asset = '', address = ''] of remarks.matchAll(coins)) entry.address(asset, address);
}
