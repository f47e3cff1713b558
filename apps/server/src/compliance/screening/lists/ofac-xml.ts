import type { DateRange, EntrySchema, ImportEvent } from '../list-entry.ts';
import { countryCode } from './countries.ts';
import { dateOf } from './dates.ts';
import { buildEntry, type EntryBuilder } from './entry-builder.ts';
import { OFAC_LIST } from './ofac-csv.ts';
import { child, children, descendants, readXml, textOf, type XmlElement } from './read-xml.ts';

/**
 * OFAC's advanced XML (the UN's advanced sanctions data model): values are referred to by number, so the
 * sets of values come first, then locations, then parties, and after these what each is sanctioned
 * by. Hence the file is read twice. Written by the published schema and what others know of it:
 * https://home.treasury.gov/system/files/126/sdn_advanced_notes.pdf
 */

const SETS = [
  'FeatureType',
  'PartySubType',
  'PartyType',
  'AreaCode',
  'Country',
  'DetailReference',
  'NamePartType',
  'Script',
  'SanctionsType',
  'List',
];
const WANTED = new Set([...SETS, 'Location', 'DistinctParty']);
/** A day that is approximate on a list is a guess by a year or two either way. */
const APPROXIMATE_YEARS = 2;

type Values = ReadonlyMap<string, XmlElement>;

/** Features that name a country; those of vessels as a text, the others by a location. */
const OF_A_COUNTRY = /^(?:nationality country|citizenship country|nationality of registration)$/i;
const FLAG = /^(?:(?:former|other) )?vessel flag$/i;

export async function* importOfacXml(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    const programmes = await readProgrammes(file);
    const values = new Map<string, XmlElement>();
    for await (const element of readXml(file, WANTED)) {
      if (element.name !== 'DistinctParty') {
        values.set(`${element.name}:${element.attributes['ID'] ?? ''}`, element);
      } else yield* toEntry(file, element, { values, programmes });
    }
  }
}

/** A measure against a profile: a programme by its comment, anything else by its kind and list. */
type Measure = { comment: string; typeId: string; listId: string };

async function readProgrammes(file: string): Promise<Map<string, Measure[]>> {
  const programmes = new Map<string, Measure[]>();
  for await (const entry of readXml(file, new Set(['SanctionsEntry']))) {
    const profile = entry.attributes['ProfileID'] ?? '';
    const found = programmes.get(profile) ?? [];
    for (const measure of children(entry, 'SanctionsMeasure')) {
      found.push({
        comment: textOf(measure, 'Comment'),
        typeId: measure.attributes['SanctionsTypeID'] ?? '',
        listId: entry.attributes['ListID'] ?? '',
      });
    }
    programmes.set(profile, found);
  }
  return programmes;
}

/**
 * What an entry is listed under, in the list's words: programmes, the list, and the kind of
 * measure. The consolidated file holds several lists: whose debt must not be dealt in (sectoral
 * directives) is not blocked, and an officer has to see the difference.
 */
function addMeasures(entry: EntryBuilder, measures: readonly Measure[], values: Values): void {
  for (const { comment, typeId, listId } of measures) {
    const type = lookUp(values, 'SanctionsType', typeId)?.text.trim() ?? '';
    if (comment !== '') entry.topic(comment);
    else if (!/^program$/i.test(type)) entry.topic(type);
    entry.topic(lookUp(values, 'List', listId)?.text ?? '');
  }
}

function lookUp(values: Values, set: string, id: string | undefined): XmlElement | undefined {
  return values.get(`${set}:${id ?? ''}`);
}

function toEntry(
  file: string,
  party: XmlElement,
  { values, programmes }: { values: Values; programmes: ReadonlyMap<string, Measure[]> },
): ImportEvent[] {
  const profile = child(party, 'Profile') ?? party;
  const profileId = profile.attributes['ID'] ?? '';
  const id = party.attributes['FixedRef'] ?? profileId;
  const schema = schemaOf(profile, values);
  const entry = buildEntry({ list: OFAC_LIST, id, schema, file, line: party.line });
  for (const identity of children(profile, 'Identity')) {
    const types = namePartTypes(identity, values);
    for (const alias of children(identity, 'Alias')) {
      const weak = alias.attributes['LowQuality'] === 'true';
      const primary = alias.attributes['Primary'] === 'true';
      for (const documented of children(alias, 'DocumentedName')) {
        const { text, isLatin } = nameOf(documented, { types, values });
        const kind = primary ? 'primary' : 'alias';
        entry.name(text, weak ? 'weak' : isLatin ? kind : 'original');
      }
    }
  }
  for (const feature of children(profile, 'Feature')) readFeature(entry, feature, values);
  addMeasures(entry, programmes.get(profileId) ?? [], values);
  return entry.events();
}

/** What the parts of an identity's names are ("Last Name"), by the number of their group. */
function namePartTypes(identity: XmlElement, values: Values): Map<string, string> {
  return new Map(
    descendants(identity, 'NamePartGroup').map(({ attributes }) => [
      attributes['ID'] ?? '',
      lookUp(values, 'NamePartType', attributes['NamePartTypeID'])?.text.trim().toLowerCase() ?? '',
    ]),
  );
}

/** The order in which a name is said; the file has the family name first. */
const SAID = ['nickname', 'first name', 'middle name', 'patronymic', 'matronymic', 'maiden name'];

function nameOf(
  documented: XmlElement,
  { types, values }: { types: ReadonlyMap<string, string>; values: Values },
): { text: string; isLatin: boolean } {
  const parts = descendants(documented, 'NamePartValue').map(({ text, attributes }) => {
    const at = SAID.indexOf(types.get(attributes['NamePartGroupID'] ?? '') ?? '');
    const script = lookUp(values, 'Script', attributes['ScriptID'])?.text.trim() ?? '';
    return { text: text.trim(), rank: at === -1 ? SAID.length : at, script };
  });
  // Equal ranks keep the order of the file.
  const ordered = parts.toSorted((a, b) => a.rank - b.rank);
  const isLatin = parts.every(({ script }) => script === '' || /^latin$/i.test(script));
  return { text: ordered.map(({ text }) => text).join(' '), isLatin };
}

function schemaOf(profile: XmlElement, values: Values): EntrySchema {
  const sub = lookUp(values, 'PartySubType', profile.attributes['PartySubTypeID']);
  const type = lookUp(values, 'PartyType', sub?.attributes['PartyTypeID']);
  const words = `${sub?.text ?? ''} ${type?.text ?? ''}`.toLowerCase();
  if (words.includes('individual')) return 'Person';
  if (words.includes('vessel')) return 'Vessel';
  return words.includes('aircraft') ? 'Aircraft' : 'Organization';
}

function readFeature(entry: EntryBuilder, feature: XmlElement, values: Values): void {
  const type =
    lookUp(values, 'FeatureType', feature.attributes['FeatureTypeID'])?.text.trim() ?? '';
  const asset = /^Digital Currency Address - (\w+)/.exec(type)?.[1];
  for (const version of children(feature, 'FeatureVersion')) {
    const details = children(version, 'VersionDetail');
    const words = details.map(
      (detail) =>
        lookUp(values, 'DetailReference', detail.attributes['DetailReferenceID'])?.text.trim() ||
        detail.text.trim(),
    );
    if (asset !== undefined) for (const address of words) entry.address(asset, address);
    else if (type === 'Gender') words.forEach(entry.gender);
    else if (FLAG.test(type)) words.forEach(entry.country);
    else if (OF_A_COUNTRY.test(type) || type === 'Location') {
      for (const place of children(version, 'VersionLocation')) {
        for (const country of countriesOf(place.attributes['LocationID'], values)) {
          entry.country(country);
        }
      }
    } else if (type === 'Birthdate') {
      for (const period of children(version, 'DatePeriod')) {
        entry.birthRange(periodOf(period), 'the birth date');
      }
    }
  }
}

function countriesOf(locationId: string | undefined, values: Values): string[] {
  const location = lookUp(values, 'Location', locationId);
  if (location === undefined) return [];
  const refs = [
    ...children(location, 'LocationCountry').map((one) => ['Country', one.attributes['CountryID']]),
    ...children(location, 'LocationAreaCode').map((one) => [
      'AreaCode',
      one.attributes['AreaCodeID'],
    ]),
  ];
  return refs.flatMap(([set = '', id]) => {
    const found = lookUp(values, set, id);
    const name = found?.attributes['Description'] ?? found?.text.trim() ?? '';
    const code = found?.attributes['ISO2'] ?? '';
    return countryCode(code) !== null ? [code] : countryCode(name) !== null ? [name] : [];
  });
}

/** From the first day of the start to the last of the end; a whole year is a year that is known. */
function periodOf(period: XmlElement): DateRange | null {
  const [start, end] = [child(period, 'Start'), child(period, 'End')];
  const first = start && dayOf(child(start, 'From') ?? start);
  const last =
    end === undefined
      ? start && dayOf(child(start, 'To') ?? start)
      : dayOf(child(end, 'To') ?? end);
  if (!first || !last || first.from > last.to) return null;
  const isApproximate = [start, end].some((one) => one?.attributes['Approximate'] === 'true');
  const years = isApproximate ? APPROXIMATE_YEARS : 0;
  const shift = (date: string, by: number) => `${Number(date.slice(0, 4)) + by}${date.slice(4)}`;
  return { from: shift(first.from, -years), to: shift(last.to, years) };
}

function dayOf(element: XmlElement): DateRange | null {
  const part = (name: string) => Number(textOf(element, name)) || null;
  return dateOf(part('Year') ?? 0, part('Month'), part('Day'));
}
