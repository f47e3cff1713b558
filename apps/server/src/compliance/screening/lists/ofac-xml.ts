import type { DateRange, EntrySchema, ImportEvent } from '../list-entry.ts';
import { countryCode } from './countries.ts';
import { dateOf } from './dates.ts';
import { buildEntry, type EntryBuilder } from './entry-builder.ts';
import { OFAC_LIST } from './ofac-csv.ts';
import { child, children, descendants, readXml, textOf, type XmlElement } from './read-xml.ts';

/**
 * OFAC's advanced XML (the UN's advanced sanctions data model): values are referred to by number,
 * so the sets of values come first, then locations, then parties. Programmes come after the parties
 * and are not read. Written by the published schema and its examples, not tested on OFAC's own file.
 */

const SETS = ['FeatureType', 'PartySubType', 'PartyType', 'AreaCode', 'Country', 'DetailReference'];
const WANTED = new Set([...SETS, 'Location', 'DistinctParty']);

type Values = ReadonlyMap<string, XmlElement>;

export async function* importOfacXml(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    const values = new Map<string, XmlElement>();
    for await (const element of readXml(file, WANTED)) {
      if (element.name === 'DistinctParty') yield* toEntry(file, element, values);
      else values.set(`${element.name}:${element.attributes['ID'] ?? ''}`, element);
    }
  }
}

function lookUp(values: Values, set: string, id: string | undefined): XmlElement | undefined {
  return values.get(`${set}:${id ?? ''}`);
}

function toEntry(file: string, party: XmlElement, values: Values): ImportEvent[] {
  const profile = child(party, 'Profile') ?? party;
  const id = party.attributes['FixedRef'] ?? profile.attributes['ID'] ?? '';
  const schema = schemaOf(profile, values);
  const entry = buildEntry({ list: OFAC_LIST, id, schema, file, line: party.line });
  for (const identity of children(profile, 'Identity')) {
    for (const alias of children(identity, 'Alias')) {
      const weak = alias.attributes['LowQuality'] === 'true';
      const primary = alias.attributes['Primary'] === 'true';
      for (const documented of children(alias, 'DocumentedName')) {
        const parts = descendants(documented, 'NamePartValue').map((part) => part.text.trim());
        entry.name(parts.join(' '), weak ? 'weak' : primary ? 'primary' : 'alias');
      }
    }
  }
  for (const feature of children(profile, 'Feature')) readFeature(entry, feature, values);
  return entry.events();
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
    else if (/^(?:nationality|citizenship) country$/i.test(type) || type === 'Location') {
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

function periodOf(period: XmlElement): DateRange | null {
  const start = child(period, 'Start');
  const from = start && dayOf(child(start, 'From') ?? start);
  const end = child(period, 'End');
  const to = end === undefined ? from : dayOf(child(end, 'To') ?? end);
  return from && to && from.from <= to.to ? { from: from.from, to: to.to } : null;
}

function dayOf(element: XmlElement): DateRange | null {
  const part = (name: string) => Number(textOf(element, name)) || null;
  return dateOf(part('Year') ?? 0, part('Month'), part('Day'));
}
