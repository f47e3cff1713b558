import type { Script } from './names/letters.ts';

export type EntrySchema = 'Person' | 'Organization' | 'Vessel' | 'Aircraft' | 'LegalEntity';

/** `weak`: the list itself says that it is good for many people; `original`: in its own script. */
export type ListedNameKind = 'primary' | 'alias' | 'weak' | 'original';

export type ListedName = { text: string; kind: ListedNameKind; script: Script };

/** Days as YYYY-MM-DD, both included: lists give days, months, years, "circa" and spans. */
export type DateRange = { from: string; to: string };

export type Gender = 'male' | 'female';

/** A coin's address, as the list writes it. Assets as the list names them: XBT, ETH, … */
export type ListedAddress = { asset: string; address: string };

/** One entry of a list, whatever its format. */
export type ListEntry = {
  /** The list, as the importer names it: "ofac-sdn", "un", … */
  list: string;
  /** The list's own id of the entry: stable between its versions. */
  id: string;
  schema: EntrySchema;
  names: readonly ListedName[];
  birthDates: readonly DateRange[];
  /** ISO 3166-1 alpha-2, lower case: nationality, citizenship, residence, flag. */
  countries: readonly string[];
  gender: Gender | null;
  addresses: readonly ListedAddress[];
  /** What the list calls the owner of addresses where that is no name: a service, a campaign. */
  label: string | null;
  /** Programmes, topics or categories, in the list's words. */
  topics: readonly string[];
};

/** What an importer could not read, and where. The rest of the file is imported. */
export type ImportFinding = { file: string; line: number; message: string };

export type ImportEvent =
  | { kind: 'entry'; entry: ListEntry }
  | { kind: 'finding'; finding: ImportFinding };
