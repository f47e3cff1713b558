import type {
  DateRange,
  EntrySchema,
  Gender,
  ImportEvent,
  ListEntry,
  ListedAddress,
  ListedName,
  ListedNameKind,
} from '../list-entry.ts';
import { scriptOf } from '../names/romanise.ts';
import { countryCode } from './countries.ts';
import { readDate } from './dates.ts';

/** Collects one entry's facts; what can not be read becomes a finding of its line. */
export type EntryBuilder = {
  name(text: string, kind: ListedNameKind): void;
  birthDate(text: string): void;
  birthRange(range: DateRange | null, text: string): void;
  country(text: string): void;
  gender(text: string): void;
  address(asset: string, address: string): void;
  topic(text: string): void;
  finding(message: string): void;
  /** The findings, then the entry: one without names and addresses is a finding instead. */
  events(): ImportEvent[];
};

/** More names than this on one entry are not read: nobody has them. */
const MAX_NAMES = 2_000;

export function buildEntry(given: {
  list: string;
  id: string;
  schema: EntrySchema;
  file: string;
  line: number;
  label?: string;
}): EntryBuilder {
  const { list, id, schema, file, line } = given;
  const names = new Map<string, ListedName>();
  const birthDates: DateRange[] = [];
  const countries = new Set<string>();
  const addresses: ListedAddress[] = [];
  const topics = new Set<string>();
  const events: ImportEvent[] = [];
  let gender: Gender | null = null;
  const finding = (message: string) => {
    events.push({ kind: 'finding', finding: { file, line, message: `${id}: ${message}` } });
  };
  const birthRange = (range: DateRange | null, text: string) => {
    if (range === null) finding(`not a date: "${text.trim()}"`);
    else birthDates.push(range);
  };
  return {
    finding,
    birthRange,
    name(text, kind) {
      const plain = text.trim().replace(/\s+/g, ' ');
      if (plain === '' || names.has(plain)) return;
      if (!/[\p{L}\p{N}]/u.test(plain)) return finding(`a name without letters: "${plain}"`);
      if (names.size >= MAX_NAMES) return finding('too many names');
      names.set(plain, { text: plain, kind, script: scriptOf(plain) });
    },
    birthDate(text) {
      if (text.trim() !== '') birthRange(readDate(text), text);
    },
    country(text) {
      if (text.trim() === '') return;
      const code = countryCode(text);
      if (code === null) finding(`not a country: "${text.trim()}"`);
      else countries.add(code);
    },
    gender(text) {
      const plain = text.trim().toLowerCase();
      if (['male', 'm'].includes(plain)) gender = 'male';
      else if (['female', 'f'].includes(plain)) gender = 'female';
    },
    address(asset, address) {
      if (address.trim() !== '')
        addresses.push({ asset: asset.toUpperCase(), address: address.trim() });
    },
    topic(text) {
      if (text.trim() !== '') topics.add(text.trim());
    },
    events() {
      if (names.size === 0 && addresses.length === 0) {
        finding('no name and no address');
        return events;
      }
      const entry: ListEntry = {
        list,
        id,
        schema,
        names: [...names.values()],
        birthDates,
        countries: [...countries],
        gender,
        addresses,
        label: given.label ?? null,
        topics: [...topics],
      };
      return [...events, { kind: 'entry', entry }];
    },
  };
}
