import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ImportFinding, ListEntry } from '../list-entry.ts';
import { countryCode } from './countries.ts';
import { importList, type ListFormat } from './import.ts';

/*
 * What was met in published files (docs/screening.md names them) and is easily missed, in made-up
 * entries of the same shape.
 */

const folder = mkdtempSync(join(tmpdir(), 'quittance-quirks-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(format: ListFormat, text: string) {
  const path = join(folder, `list-${format}`);
  writeFileSync(path, text);
  const entries: ListEntry[] = [];
  const findings: ImportFinding[] = [];
  for await (const event of importList(format, [path])) {
    if (event.kind === 'entry') entries.push(event.entry);
    else findings.push(event.finding);
  }
  return { entries, findings };
}

test('every country of today is found by its English name as its own code, none as a withdrawn one', () => {
  // All of ISO 3166-1 alpha-2 that the names of withdrawn codes (CS, YU, VD, YD, BU, RH, NH) collide with, and some more.
  const display = new Intl.DisplayNames(['en'], { type: 'region' });
  for (const code of 'rs vn ye zw vu mm cw de ru gb fr cd bj bf tl us ir kp sy by ua'.split(' ')) {
    expect([code, countryCode(display.of(code.toUpperCase()) ?? '')]).toEqual([code, code]);
    expect(countryCode(code)).toBe(code);
  }
  expect(['cs', 'yu', 'vd', 'bu', 'zr'].map(countryCode)).toEqual(['rs', 'rs', 'vn', 'mm', 'cd']);
  expect(['EU', 'ZZ', 'undetermined'].map(countryCode)).toEqual([null, null, null]);
});

/** A party of OFAC's advanced format with what all of them have. */
function party(id: number, subType: number, inner: { alias: string; features: string }): string {
  return `<DistinctParty FixedRef="${id}"><Comment /><Profile ID="${id}" PartySubTypeID="${subType}">
<Identity ID="${id}1" FixedRef="${id}" Primary="true" False="false">${inner.alias}</Identity>${inner.features}</Profile></DistinctParty>`;
}

test('the consolidated file of OFAC: registration, flags, areas, sectoral measures and the list of each', async () => {
  const alias = (text: string) =>
    `<Alias FixedRef="1" AliasTypeID="1403" Primary="true" LowQuality="false"><DocumentedName ID="1" DocNameStatusID="1"><DocumentedNamePart><NamePartValue NamePartGroupID="9" ScriptID="215" ScriptStatusID="1" Acronym="false">${text}</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
<NamePartGroups><MasterNamePartGroup><NamePartGroup ID="9" NamePartTypeID="1525" /></MasterNamePartGroup></NamePartGroups>`;
  const located = (type: number, location: number) =>
    `<Feature ID="1" FeatureTypeID="${type}"><FeatureVersion ID="1" ReliabilityID="1560"><Comment /><VersionDetail DetailTypeID="1433" /><VersionLocation LocationID="${location}" /></FeatureVersion></Feature>`;
  const worded = (type: number, text: string) =>
    `<Feature ID="2" FeatureTypeID="${type}"><FeatureVersion ID="2" ReliabilityID="1"><Comment /><VersionDetail DetailTypeID="1432">${text}</VersionDetail></FeatureVersion></Feature>`;
  const { entries, findings } = await read(
    'ofac-advanced-xml',
    `<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<Sanctions xmlns="http://www.un.org/sanctions/1.0" Version="3"><DateOfIssue CalendarTypeID="1"><Year>2020</Year><Month>3</Month><Day>17</Day></DateOfIssue>
<ReferenceValueSets><AreaCodeValues><AreaCode ID="11181" CountryID="11181" Description="Serbia" AreaCodeTypeID="1">RS</AreaCode></AreaCodeValues>
<CountryValues><Country ID="11181" ISO2="RS">Serbia</Country><Country ID="11291">undetermined</Country><Country ID="11171" ISO2="RU">Russia</Country></CountryValues>
<FeatureTypeValues><FeatureType ID="25" FeatureTypeGroupID="1">Location</FeatureType><FeatureType ID="365" FeatureTypeGroupID="1">Nationality of Registration</FeatureType><FeatureType ID="3" FeatureTypeGroupID="1">Vessel Flag</FeatureType><FeatureType ID="13" FeatureTypeGroupID="1">SWIFT/BIC</FeatureType></FeatureTypeValues>
<ListValues><List ID="91507">Sectoral Sanctions Identifications List</List><List ID="1550">SDN List</List></ListValues>
<NamePartTypeValues><NamePartType ID="1525">Entity Name</NamePartType></NamePartTypeValues>
<PartySubTypeValues><PartySubType ID="1" PartyTypeID="4">Vessel</PartySubType><PartySubType ID="3" PartyTypeID="2">Unknown</PartySubType></PartySubTypeValues>
<PartyTypeValues><PartyType ID="2">Entity</PartyType><PartyType ID="4">Transport</PartyType></PartyTypeValues>
<SanctionsTypeValues><SanctionsType ID="1705">Block</SanctionsType><SanctionsType ID="91506">13662 Sectoral Directive 2</SanctionsType><SanctionsType ID="1">Program</SanctionsType></SanctionsTypeValues>
<ScriptValues><Script ID="215" ScriptCode="Latin">Latin</Script></ScriptValues></ReferenceValueSets>
<Locations><Location ID="5"><LocationAreaCode AreaCodeID="11181" /><LocationCountry CountryID="11181" CountryRelevanceID="1413" /></Location>
<Location ID="6"><LocationCountry CountryID="11291" CountryRelevanceID="1413" /></Location><Location ID="7"><LocationCountry CountryID="11171" CountryRelevanceID="1413" /></Location></Locations>
<DistinctParties>${party(18728, 3, { alias: alias('SAVA WORKS'), features: located(25, 5) + located(25, 6) + worded(13, 'XXXXRSBG') })}
${party(23552, 3, { alias: alias('VOLGA WORKS'), features: located(365, 7) })}
${party(30001, 1, { alias: alias('LITTLE SHIP'), features: worded(3, 'Panama') })}</DistinctParties>
<SanctionsEntries><SanctionsEntry ID="1" ProfileID="18728" ListID="91507"><SanctionsMeasure ID="1" SanctionsTypeID="91506"><DatePeriod CalendarTypeID="1" /></SanctionsMeasure><SanctionsMeasure ID="2" SanctionsTypeID="1"><Comment>UKRAINE-EO13662</Comment></SanctionsMeasure></SanctionsEntry>
<SanctionsEntry ID="2" ProfileID="18728" ListID="1550"><SanctionsMeasure ID="3" SanctionsTypeID="1705" /></SanctionsEntry>
<SanctionsEntry ID="3" ProfileID="30001" ListID="1550"><SanctionsMeasure ID="4" SanctionsTypeID="1"><Comment /></SanctionsMeasure></SanctionsEntry></SanctionsEntries></Sanctions>`,
  );
  expect(findings).toEqual([]);
  expect(entries).toMatchObject([
    {
      id: '18728',
      schema: 'Organization',
      // Once, and as Serbia is called today; an undetermined place says nothing.
      countries: ['rs'],
      topics: [
        '13662 Sectoral Directive 2',
        'Sectoral Sanctions Identifications List',
        'UKRAINE-EO13662',
        'Block',
        'SDN List',
      ],
    },
    { id: '23552', countries: ['ru'], topics: [] },
    { id: '30001', schema: 'Vessel', countries: ['pa'], topics: ['SDN List'] },
  ]);
});

test('entities of FollowTheMoney: programmes, abbreviations, quotes of many languages, values that are no lists', async () => {
  const line = (one: object) => `${JSON.stringify(one)}\n`;
  const { entries, findings } = await read(
    'ftm',
    line({
      id: 'NK-1',
      caption: 'x',
      schema: 'Company',
      properties: {
        name: ['LLC “Intermade”', 'RAB „Intermade“', 'Общество “Интермейд”'],
        abbreviation: ['IM, OOO'],
        weakAlias: ['IM, OOO', 'IM'],
        previousName: ['Old Works'],
        programId: ['US-RUSHAR', 'EU-UKR'],
        topics: ['sanction', 'export.control'],
        jurisdiction: ['ru'],
      },
      referents: ['ofac-1'],
      datasets: ['us_ofac_sdn', 'eu_fsf'],
      target: true,
    }) +
      line({
        id: 'Q1',
        schema: 'Person',
        // As people who edit such files by hand leave them: a text, a number, nothing.
        properties: { name: 'Ann Ex', birthDate: 1950, alias: [''], gender: ['male'], country: '' },
        datasets: ['own'],
      }) +
      line({
        id: 'Q2',
        schema: 'Person',
        properties: { name: ['Bo Ex'], birthDate: ['unknown'] },
      }) +
      line({ id: 'p1', schema: 'Passport', properties: { holder: ['Q1'], number: ['AB1'] } }) +
      line({ id: 's1', schema: 'Sanction', properties: { entity: ['NK-1'], programId: ['X'] } }) +
      line({
        id: 'w1',
        schema: 'CryptoWallet',
        properties: { publicKey: ['1BoatSLRHtKNngkdXEeobR76b53LETtpyT'], currency: ['XBT'] },
      }),
  );
  expect(findings.map(({ line: at, message }) => [at, message])).toEqual([
    [3, 'Q2: not a date: "unknown"'],
  ]);
  expect(entries).toMatchObject([
    {
      id: 'NK-1',
      names: [
        { text: 'LLC “Intermade”', kind: 'primary', script: 'latin' },
        { text: 'RAB „Intermade“', kind: 'primary' },
        { text: 'Общество “Интермейд”', kind: 'primary', script: 'cyrillic' },
        { text: 'Old Works', kind: 'alias' },
        { text: 'IM, OOO', kind: 'weak' },
        { text: 'IM', kind: 'weak' },
      ],
      topics: ['sanction', 'export.control', 'US-RUSHAR', 'EU-UKR'],
      countries: ['ru'],
    },
    { id: 'Q1', names: [{ text: 'Ann Ex' }], gender: 'male', birthDates: [{ from: '1950-01-01' }] },
    { id: 'Q2', birthDates: [] },
    { id: 'w1', addresses: [{ asset: 'XBT', address: '1BoatSLRHtKNngkdXEeobR76b53LETtpyT' }] },
  ]);
});

test('the EU list: an entity that comes back row by row, remarks with quotes, columns that are cut off', async () => {
  const header =
    'fileGenerationDate;Entity_LogicalId;Entity_EU_ReferenceNumber;Entity_UnitedNationId;Entity_DesignationDate;Entity_DesignationDetails;Entity_Remark;Entity_SubjectType;Entity_SubjectType_ClassificationCode;Entity_Regulation_Type;Entity_Regulation_OrganisationType;Entity_Regulation_PublicationDate;Entity_Regulation_EntryIntoForceDate;Entity_Regulation_NumberTitle;Entity_Regulation_Programme;Entity_Regulation_PublicationUrl;NameAlias_LastName;NameAlias_FirstName;NameAlias_MiddleName;NameAlias_WholeName;NameAlias_NameLanguage;NameAlias_Gender;Citizenship_CountryIso2Code;Citizenship_CountryDescription';
  const start = '05/08/2026;901;EU.90.1;;;;';
  const middle =
    ';P;person;regulation;commission;2003-07-08;2003-07-07;1210/2003 (OJ L169);IRQ;http://x;';
  const { entries, findings } = await read(
    'eu-csv',
    `\uFEFF${header}\n` +
      `${start}(UNSC RESOLUTION 1483)${middle}Made-Up;Sam;;Sam Made-Up;;M;;\n` +
      // A name of the list with a bare quote in a cell that is not quoted.
      `${start}called "the boat" by some${middle};;;Abu "Sam" Made;AR;;IQ;IRAQ\n` +
      // A cell over two lines, in quotes, with a semicolon in it.
      `${start}"first; line\nsecond ""line"""${middle};;;سام;AR;;;\n` +
      `05/08/2026;902;EU.90.2;;;;;E;enterprise;regulation;council;;;;SRB;;;;;Sava Works\n`,
  );
  expect(findings).toEqual([]);
  expect(entries).toMatchObject([
    {
      id: '901',
      schema: 'Person',
      gender: 'male',
      countries: ['iq'],
      names: [
        { text: 'Sam Made-Up' },
        { text: 'Abu "Sam" Made' },
        { text: 'سام', script: 'arabic' },
      ],
      topics: ['IRQ'],
    },
    { id: '902', schema: 'Organization', names: [{ text: 'Sava Works' }], topics: ['SRB'] },
  ]);
});
