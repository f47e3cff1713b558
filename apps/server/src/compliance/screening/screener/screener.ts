import type { Uuid } from '@quittance/kernel';
import { type AddressIndex, buildAddressIndex } from '../addresses/address-index.ts';
import { isForeign, normaliseAddress } from '../addresses/normalise.ts';
import type { ListEntry, ListedName } from '../list-entry.ts';
import { buildNameIndexInSlices, type NameIndex, type Question } from '../name-index.ts';
import type { Score } from '../names/score.ts';
import { DEFAULT_SETTINGS, SETTINGS_VERSION } from '../names/settings.ts';
import { type AddressCategory, type ListPurpose, categoriesOf, purposeOf } from './categories.ts';
import type { EntryBook } from './entry-book.ts';

/** A version of a list that an answer rests on. */
export type ListVersionRef = {
  list: string;
  versionId: Uuid;
  /** SHA-256 of the entries, hexadecimal. */
  digest: string;
};

/** An address that is on a list. */
export type AddressHit = {
  list: string;
  versionId: Uuid;
  /** The list's own id of the entry. */
  entryId: string;
  /** What the hit means: sanctions weigh otherwise than the tag of an exchange. */
  purpose: ListPurpose;
  categories: readonly AddressCategory[];
  /** Whom the list names: the entry's first name, or its label. */
  label: string | null;
  topics: readonly string[];
  /** As the list has it, such as XBT. */
  asset: string;
  address: string;
  /** The list calls it Bitcoin's, and it is none. */
  foreign: boolean;
};

/** Who is asked about. `limit`: how many hits at most, the best first. */
export type NameQuery = Question & { limit?: number };

export type NameHit = {
  list: string;
  versionId: Uuid;
  entry: ListEntry;
  purpose: ListPurpose;
  /** The name of the entry that fits best. */
  name: ListedName;
  score: Score;
  match: boolean;
};

/** What a screening found, and by which lists and which dials. */
export type ScreeningResult = {
  hits: readonly NameHit[];
  versions: readonly ListVersionRef[];
  settingsVersion: number;
  /** From this score (in ten-thousandths) on a hit is a match. */
  cutPoints: number;
};

/** Screening by the versions of lists that are in force, all in memory. Every call is one version set. */
export type Screener = {
  /**
   * All entries that list this address, in any spelling of it.
   * @param asset as the caller names it; the same text under another asset is the same key
   */
  lookupAddress(asset: string, address: string): readonly AddressHit[];
  screenName(query: NameQuery): ScreeningResult;
  /** What answers of now rest on. A process that has not switched yet says so by this. */
  versions(): readonly ListVersionRef[];
  /** Calls after each switch of this process. @returns how to end that */
  onSwitch(fn: () => void): () => void;
};

/** One version with its entries, ready to be indexed. */
export type LoadedVersion = ListVersionRef & { purpose: ListPurpose; book: EntryBook };

/** What one set of versions answers. Never changes: a switch puts another in its place. */
export type VersionSet = Pick<Screener, 'lookupAddress' | 'screenName'> & {
  versions: readonly ListVersionRef[];
  entryCount: number;
  nameCount: number;
  addressCount: number;
};

const DEFAULT_HITS = 10;
/** More hits than this say only that the name is common. */
export const MAX_HITS = 50;

/** Indexes the versions' entries, in slices between which other work has its turn. */
export async function buildVersionSet(loaded: readonly LoadedVersion[]): Promise<VersionSet> {
  const named: ListEntry[] = [];
  const from = new Map<ListEntry, LoadedVersion>();
  for (const version of loaded) {
    for (const entry of version.book.named) {
      named.push(entry);
      from.set(entry, version);
    }
  }
  const names = await buildNameIndexInSlices(named);
  const addresses = indexAddresses(loaded);
  const versions = loaded.map(({ list, versionId, digest }) => ({ list, versionId, digest }));
  return {
    versions,
    entryCount: loaded.reduce((sum, { book }) => sum + book.entryCount, 0),
    nameCount: names.nameCount,
    addressCount: addresses.index.size,
    lookupAddress: (_asset, address) => addresses.lookUp(address),
    screenName: (query) => screen(query, { names, from, versions }),
  };
}

function screen(
  { limit = DEFAULT_HITS, ...question }: NameQuery,
  set: {
    names: NameIndex;
    from: ReadonlyMap<ListEntry, LoadedVersion>;
    versions: readonly ListVersionRef[];
  },
): ScreeningResult {
  const hits = set.names.search(question, Math.min(limit, MAX_HITS)).flatMap((hit): NameHit[] => {
    const version = set.from.get(hit.entry);
    if (version === undefined) return [];
    const { list, versionId } = version;
    return [{ ...hit, list, versionId, purpose: purposeOf(hit.entry, version.purpose) }];
  });
  const cutPoints = Math.round(DEFAULT_SETTINGS.cut * 10_000);
  return { hits, versions: set.versions, settingsVersion: SETTINGS_VERSION, cutPoints };
}

function indexAddresses(loaded: readonly LoadedVersion[]): {
  index: AddressIndex;
  lookUp(address: string): AddressHit[];
} {
  // Records are numbered through all versions; the version of one is found by where it begins.
  const starts: number[] = [];
  let next = 0;
  for (const { book } of loaded) {
    starts.push(next);
    next += book.entryCount;
  }
  function* all(): Generator<{ address: string; record: number }> {
    for (const [at, { book }] of loaded.entries()) {
      for (const { address, record } of book.addresses()) {
        yield { address, record: record + (starts[at] ?? 0) };
      }
    }
  }
  const index = buildAddressIndex(all());
  const hitOf = (record: number, plain: string): AddressHit[] => {
    const at = starts.findLastIndex((start) => start <= record);
    const version = loaded[at];
    if (version === undefined) return [];
    const entry = version.book.entry(record - (starts[at] ?? 0));
    const listed = entry.addresses.find((one) => normaliseAddress(one.address) === plain);
    if (listed === undefined) return [];
    return [
      {
        list: version.list,
        versionId: version.versionId,
        entryId: entry.id,
        purpose: purposeOf(entry, version.purpose),
        categories: categoriesOf(entry, version.purpose),
        label: entry.names[0]?.text ?? entry.label,
        topics: entry.topics,
        asset: listed.asset,
        address: listed.address,
        foreign: isForeign(listed.asset, listed.address),
      },
    ];
  };
  return {
    index,
    lookUp(address) {
      if (index.find(address) < 0) return [];
      const plain = normaliseAddress(address) ?? address;
      return [...new Set(index.findAll(address))].flatMap((record) => hitOf(record, plain));
    },
  };
}
