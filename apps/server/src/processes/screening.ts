import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  buildAddressIndex,
  buildNameIndex,
  compareLists,
  DEFAULT_SETTINGS,
  FULL_POINTS,
  importList,
  isForeign,
  isListFormat,
  LIST_FORMATS,
  type ListEntry,
  ListError,
  loadList,
  loadLists,
  normaliseAddress,
  readLines,
  saveList,
  type Score,
  scorePair,
} from '../compliance/screening/index.ts';
import { eachRow, InputError, readPerson } from './screening-rows.ts';
import { describeUpload, uploadList } from './screening-upload.ts';

const USAGE_ERROR = 2;
/** Findings beyond this are counted, not printed. */
const MAX_FINDINGS_SHOWN = 50;

const USAGE = `usage:
  quittance screening import FORMAT FILE… [--data DIR]
  quittance screening import FORMAT FILE… --server URL --list NAME
  quittance screening score-pairs FILE.csv [--explain]
  quittance screening check FILE.csv [--data DIR] [--explain]
  quittance screening check-addresses FILE [--data DIR]
FORMAT is one of: ${LIST_FORMATS.join(', ')}
With --server the files go to a server, whose administrator's key stands in QUITTANCE_API_KEY.`;

/** `quittance screening …`: lists, names and addresses without a server, on a folder of its own. */
export async function runScreening(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = readArgs(args);
    const [command, ...rest] = positionals;
    const folder = join(values.data ?? join(homedir(), '.quittance'), 'screening');
    switch (command) {
      case 'import':
        return values.server === undefined
          ? await runImport(folder, rest)
          : await runUpload(rest, { server: values.server, list: values.list });
      case 'score-pairs':
        return await runScorePairs(oneFile(rest), values.explain);
      case 'check':
        return await runCheck(folder, oneFile(rest), values.explain);
      case 'check-addresses':
        return await runCheckAddresses(folder, oneFile(rest));
      default:
        throw new InputError(
          `${command === undefined ? 'what to do is missing' : `there is no "${command}"`}\n${USAGE}`,
        );
    }
  } catch (error) {
    if (error instanceof InputError || error instanceof ListError) {
      console.error(`quittance screening: ${error.message}`);
      return error instanceof InputError ? USAGE_ERROR : 1;
    }
    if (isMissingFile(error)) {
      console.error(`quittance screening: cannot read ${error.path}: ${error.code}`);
      return 1;
    }
    throw error;
  }
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: 'string' },
        explain: { type: 'boolean', default: false },
        server: { type: 'string' },
        list: { type: 'string' },
      },
    });
  } catch (error) {
    // An option that there is not, or without its value: the reader's own words say which.
    if (error instanceof TypeError) throw new InputError(`${error.message}\n${USAGE}`);
    throw error;
  }
}

function isMissingFile(error: unknown): error is Error & { code: string; path: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    'path' in error &&
    ['ENOENT', 'EISDIR', 'EACCES', 'ENOTDIR'].includes(String(error.code))
  );
}

function oneFile(files: readonly string[]): string {
  const [file, more] = files;
  if (file === undefined || more !== undefined) {
    throw new InputError(`exactly one file belongs here\n${USAGE}`);
  }
  return file;
}

async function runImport(folder: string, [format, ...files]: readonly string[]): Promise<number> {
  if (format === undefined || !isListFormat(format)) {
    throw new InputError(`there is no format "${format ?? ''}"\n${USAGE}`);
  }
  if (files.length === 0) throw new InputError(`no file to import\n${USAGE}`);
  const lists = new Map<string, ListEntry[]>();
  let findings = 0;
  for await (const event of importList(format, files)) {
    if (event.kind === 'finding') {
      const { file, line, message } = event.finding;
      if (findings++ < MAX_FINDINGS_SHOWN) console.error(`${file}:${line}: ${message}`);
      continue;
    }
    const { entry } = event;
    findings += noteAddresses(entry);
    const entries = lists.get(entry.list);
    if (entries === undefined) lists.set(entry.list, [entry]);
    else entries.push(entry);
  }
  for (const [list, entries] of lists) {
    const delta = compareLists(await loadList(folder, list), entries);
    await saveList(folder, list, entries);
    const names = entries.reduce((sum, entry) => sum + entry.names.length, 0);
    const addresses = entries.reduce((sum, entry) => sum + entry.addresses.length, 0);
    console.log(
      `${list}: ${entries.length} entries, ${names} names, ${addresses} addresses; ` +
        `${delta.added.length} new, ${delta.removed.length} gone, ${delta.changed.length} changed`,
    );
  }
  if (findings > 0) console.log(`${findings} findings (on standard error)`);
  return 0;
}

async function runUpload(
  [format, ...files]: readonly string[],
  { server, list }: { server: string; list: string | undefined },
): Promise<number> {
  const key = process.env['QUITTANCE_API_KEY'] ?? '';
  if (format === undefined || !isListFormat(format)) {
    throw new InputError(`there is no format "${format ?? ''}"\n${USAGE}`);
  }
  if (files.length === 0) throw new InputError(`no file to import\n${USAGE}`);
  if (list === undefined)
    throw new InputError(`say which list of the server: --list NAME\n${USAGE}`);
  if (key === '') throw new InputError("set QUITTANCE_API_KEY to an administrator's key");
  const version = await uploadList({ server, key, list, format, files });
  for (const line of describeUpload(version)) console.log(line);
  return version.state === 'failed' ? 1 : 0;
}

/** Says which addresses of an entry are not what the list calls them, or no addresses at all. */
function noteAddresses({ list, id, addresses }: ListEntry): number {
  let found = 0;
  for (const { asset, address } of addresses) {
    if (normaliseAddress(address) === null) {
      console.error(`${list} ${id}: not an address: "${address}"`);
      found++;
    } else if (isForeign(asset, address)) {
      console.error(`${list} ${id}: listed as ${asset}, but not a Bitcoin address: ${address}`);
      found++;
    }
  }
  return found;
}

async function runScorePairs(file: string, explain: boolean): Promise<number> {
  let at = 0;
  await eachRow(file, ['schema', 'name1', 'name2'], ({ cells, header, get, note }) => {
    at++;
    if (note !== null) console.error(`${file}: record ${at}: ${note}`);
    if (header)
      return console.log(csv([...cells, 'score', 'match', ...(explain ? ['parts'] : [])]));
    const score = scorePair({ schema: get('schema'), name1: get('name1'), name2: get('name2') });
    const added = [decimal(score), String(isMatch(score))];
    console.log(csv([...cells, ...added, ...(explain ? [describe(score)] : [])]));
  });
  return 0;
}

async function runCheck(folder: string, file: string, explain: boolean): Promise<number> {
  const index = buildNameIndex(await someLists(folder));
  await eachRow(file, ['full_name'], (row) => {
    if (row.header) {
      const added = ['score', 'entry_id', 'list', 'listed_name', 'match', 'note'];
      return console.log(csv([...row.cells, ...added, ...(explain ? ['parts'] : [])]));
    }
    const { notes, ...person } = readPerson(row);
    const schema = row.get('schema').toLowerCase();
    const kind = schema === '' || schema === 'person' ? ('person' as const) : null;
    const [hit] = index.search({ ...person, kind }, 1);
    const found =
      hit === undefined
        ? ['0.0000', '', '', '', 'false']
        : [decimal(hit.score), hit.entry.id, hit.entry.list, hit.name.text, String(hit.match)];
    const parts = hit === undefined ? '' : describe(hit.score);
    console.log(csv([...row.cells, ...found, notes.join('; '), ...(explain ? [parts] : [])]));
  });
  return 0;
}

async function runCheckAddresses(folder: string, file: string): Promise<number> {
  const entries = await someLists(folder);
  const listed = entries.flatMap((entry, record) =>
    entry.addresses.map(({ asset, address }) => ({ asset, address, record })),
  );
  const index = buildAddressIndex(listed);
  console.log('address,hit,list,entry_id,label,topics,note');
  for await (const { text } of readLines(file)) {
    const address = text.trim();
    if (address === '' || address.startsWith('#')) continue;
    const plain = normaliseAddress(address);
    const found = index.findAll(address);
    if (found.length === 0) {
      console.log(csv([address, 'false', '', '', '', '', plain === null ? 'not an address' : '']));
    }
    for (const record of new Set(found)) {
      const entry = entries[record];
      if (entry === undefined) continue;
      const foreign = entry.addresses.find(
        (one) => normaliseAddress(one.address) === plain && isForeign(one.asset, one.address),
      );
      const note = foreign ? `listed as ${foreign.asset}, but not a Bitcoin address` : '';
      const { list, id, label, topics } = entry;
      console.log(csv([address, 'true', list, id, label ?? '', topics.join(' '), note]));
    }
  }
  return 0;
}

/** A check against no list would find nobody, and say so with the same words as a good one. */
async function someLists(folder: string): Promise<ListEntry[]> {
  const entries = await loadLists(folder);
  if (entries.length > 0) return entries;
  throw new InputError(`no lists in ${folder}: import some first\n${USAGE}`);
}

function isMatch({ points }: Score): boolean {
  return points >= DEFAULT_SETTINGS.cut * FULL_POINTS;
}

function decimal({ points }: Score): string {
  return (points / FULL_POINTS).toFixed(4);
}

/** The parts of a score in one cell: they add up to it. */
function describe({ parts }: Score): string {
  return parts
    .map(({ kind, points, asked, listed, likeness }) => {
      const about = likeness === undefined ? '' : ` (${asked} ~ ${listed}, ${likeness})`;
      return `${points >= 0 ? '+' : ''}${(points / FULL_POINTS).toFixed(4)} ${kind}${about}`;
    })
    .join('; ');
}

function csv(cells: readonly string[]): string {
  return cells
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
}
