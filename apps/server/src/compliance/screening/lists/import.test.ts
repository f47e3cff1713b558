import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ListError } from '../errors.ts';
import type { ImportFinding, ListEntry } from '../list-entry.ts';
import { readDate } from './dates.ts';
import { importList, type ListFormat } from './import.ts';

const folder = mkdtempSync(join(tmpdir(), 'quittance-lists-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
async function read(format: ListFormat, ...texts: string[]) {
  const paths = texts.map((text) => {
    const path = join(folder, `list-${files++}.txt`);
    writeFileSync(path, text);
    return path;
  });
  const entries: ListEntry[] = [];
  const findings: ImportFinding[] = [];
  for await (const event of importList(format, paths)) {
    if (event.kind === 'entry') entries.push(event.entry);
    else findings.push(event.finding);
  }
  return { entries, findings };
}

const empty = ',-0- '.repeat(8);
const sdn = (id: number, name: string, type: string, remarks: string) =>
  `${id},"${name}",${type},"PROG"${',-0- '.repeat(7)},"${remarks}"\r\n`;

describe('an import', () => {
  test('joins the four OFAC files in any order and goes on where remarks were cut', async () => {
    const { entries, findings } = await read(
      'ofac-sdn-csv',
      '7,1,"aka","OTHER, Name",-0- \r\n',
      '7,"l Currency Address - XBT 1BoatSLRHtKNngkdXEeobR76b53LETtpyT; Gender Male."\r\n',
      sdn(7, 'LISTED, Some One', '"individual"', "DOB circa 1970; a.k.a. 'BOAT'; Digita") +
        '\u001a\r\n',
    );
    expect(findings).toEqual([]);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      id: '7',
      schema: 'Person',
      gender: 'male',
      birthDates: [{ from: '1968-01-01', to: '1972-12-31' }],
      names: [
        { text: 'LISTED, Some One', kind: 'primary' },
        { text: 'OTHER, Name', kind: 'alias' },
        { text: 'BOAT', kind: 'weak' },
      ],
      addresses: [{ asset: 'XBT', address: '1BoatSLRHtKNngkdXEeobR76b53LETtpyT' }],
    });
  });

  test('names the line of what it can not read, and reads the rest', async () => {
    const ofac = await read(
      'ofac-sdn-csv',
      `${sdn(1, 'A ONE', '-0- ', 'x')}2,"SHORT"${empty}\r\n${sdn(3, 'C', '-0- ', 'DOB 31 Feb 1970')}`,
    );
    expect(ofac.entries.map(({ id }) => id)).toEqual(['1', '3']);
    expect(ofac.findings.map(({ line }) => line)).toEqual([2, 3]);
    const ftm = await read(
      'ftm',
      '{"id":"a","schema":"Person","datasets":["x"],"properties":{"name":["Ann Ex"],"birthDate":["1980-02"],"country":["ru"]}}\n' +
        'not json\n{"id":"b","schema":"CryptoWallet","properties":{"publicKey":["0xAB"],"currency":["ETH"]}}\n' +
        '{"id":"c","schema":"Address","properties":{}}\n',
    );
    expect(ftm.entries).toMatchObject([
      {
        id: 'a',
        list: 'ftm-x',
        countries: ['ru'],
        birthDates: [{ from: '1980-02-01', to: '1980-02-29' }],
      },
      { id: 'b', addresses: [{ asset: 'ETH', address: '0xAB' }] },
    ]);
    expect(ftm.findings.map(({ line }) => line)).toEqual([2]);
    const tags = await read(
      'tagpack',
      'title: Pack\ncurrency: BTC\ncategory: mixing_service\ntags:\n- address: 1abc\n  label: One\n- label: [broken\n- address: 0xdef\n  currency: ETH\n',
    );
    expect(tags.entries).toMatchObject([
      {
        list: 'tagpack-pack',
        label: 'One',
        addresses: [{ asset: 'BTC', address: '1abc' }],
        topics: ['category:mixing_service'],
      },
      { addresses: [{ asset: 'ETH', address: '0xdef' }] },
    ]);
    expect(tags.findings.map(({ line }) => line)).toEqual([7]);
    const addresses = await read('addresses', '# list\n1abc\nwhat is this\nETH,0xdef\n');
    expect(addresses.entries.map(({ id }) => id)).toEqual(['1abc', '0xdef']);
    expect(addresses.findings.map(({ line }) => line)).toEqual([3]);
  });

  test('refuses a file that is cut, of another format, empty or missing', async () => {
    const cut = '<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID>';
    await expect(read('un-xml', cut)).rejects.toThrow(ListError);
    await expect(read('un-xml', '<CONSOLIDATED_LIST></CONSOLIDATED_LIST>')).rejects.toThrow(
      ListError,
    );
    await expect(read('ofac-sdn-csv', 'a,b,c\n')).rejects.toThrow(ListError);
    await expect(
      read('ofac-sdn-csv', `${sdn(1, 'A', '-0- ', 'x')}2,"never closed`),
    ).rejects.toThrow(ListError);
    await expect(read('eu-csv', 'a;b\n1;2\n')).rejects.toThrow(ListError);
    await expect(read('tagpack', 'title: x\n')).rejects.toThrow(ListError);
    await expect(read('addresses', '')).rejects.toThrow(ListError);
    await expect(async () => {
      for await (const event of importList('ftm', [join(folder, 'absent')]))
        expect(event).toBe(null);
    }).rejects.toThrow(ListError);
  });

  test('joins the rows of an entity of the EU list', async () => {
    const { entries } = await read(
      'eu-csv',
      'Entity_LogicalId;Entity_SubjectType_ClassificationCode;NameAlias_WholeName;NameAlias_Gender;BirthDate_BirthDate;Citizenship_CountryIso2Code\n' +
        '13;P;"Some One";M;;\n13;P;"Sum Won";;1970-05-01;\n13;;;;;IQ\n14;E;"Works";;;00\n',
    );
    expect(entries).toMatchObject([
      {
        id: '13',
        schema: 'Person',
        gender: 'male',
        names: [{ text: 'Some One' }, { text: 'Sum Won' }],
        birthDates: [{ from: '1970-05-01' }],
        countries: ['iq'],
      },
      { id: '14', schema: 'Organization', countries: [] },
    ]);
  });

  test('reads the columns that the EU list really has, rows of an entity apart from each other', async () => {
    const { entries, findings } = await read(
      'eu-csv',
      '\uFEFFfileGenerationDate;Entity_LogicalId;Entity_SubjectType;Entity_SubjectType_ClassificationCode;NameAlias_WholeName;NameAlias_Remark;BirthDate_BirthDate;BirthDate_Day;BirthDate_Month;BirthDate_Year;BirthDate_YearRangeFrom;BirthDate_YearRangeTo;BirthDate_Circa;BirthDate_CalendarType\n' +
        '01/09/2026;13;P;person;Some One;;;;;;;;;\n' +
        '01/09/2026;14;E;enterprise;Works;;;;;;;;;\n' +
        '01/09/2026;13;P;person;Boat;(Low quality a.k.a);;;;;;;;\n' +
        '01/09/2026;13;P;person;;;;;5;1970;;;false;GREGORIAN\n' +
        '01/09/2026;13;P;person;;;;;;;1968;1971;true;GREGORIAN\n' +
        '01/09/2026;13;P;person;;;;;;1390;;;;ISLAMIC\n' +
        '01/09/2026;13;P;person;;;1971-02-03;3;2;1971;;;true;\n',
    );
    expect(entries).toMatchObject([
      {
        id: '13',
        schema: 'Person',
        names: [
          { text: 'Some One', kind: 'alias' },
          { text: 'Boat', kind: 'weak' },
        ],
        birthDates: [
          { from: '1970-05-01', to: '1970-05-31' },
          { from: '1968-01-01', to: '1971-12-31' },
          { from: '1969-02-03', to: '1973-02-03' },
        ],
      },
      { id: '14', schema: 'Organization' },
    ]);
    expect(findings.map(({ message }) => message)).toEqual([
      '13: a birth date of the calendar ISLAMIC; left out',
    ]);
  });

  test('reads entities of FollowTheMoney with names in parts, flags and countries that are no more', async () => {
    const line = (id: string, schema: string, properties: object) =>
      `${JSON.stringify({ id, schema, datasets: ['x'], properties })}\n`;
    const { entries, findings } = await read(
      'ftm',
      line('a', 'Person', { firstName: ['Ann'], lastName: ['Ex'], country: ['suhh', 'gb-sct'] }) +
        line('b', 'Vessel', { name: ['Ship'], flag: ['pa'], topics: ['sanction'] }) +
        line('c', 'Company', { name: ['Works'], jurisdiction: ['cy'], sanctions: [{ id: 'x' }] }),
    );
    expect(findings).toEqual([]);
    expect(entries).toMatchObject([
      { names: [{ text: 'Ann Ex' }], countries: ['gb'] },
      { schema: 'Vessel', countries: ['pa'], topics: ['sanction'] },
      { schema: 'Organization', countries: ['cy'] },
    ]);
  });

  test('reads the advanced XML of OFAC by its reference values', async () => {
    const { entries, findings } = await read(
      'ofac-advanced-xml',
      `<Sanctions xmlns="http://x"><ReferenceValueSets><CountryValues><Country ID="11" ISO2="IQ">Iraq</Country></CountryValues>
<FeatureTypeValues><FeatureType ID="8">Birthdate</FeatureType><FeatureType ID="344">Digital Currency Address - XBT</FeatureType>
<FeatureType ID="10">Nationality Country</FeatureType><FeatureType ID="224">Gender</FeatureType></FeatureTypeValues>
<DetailReferenceValues><DetailReference ID="91">Male</DetailReference></DetailReferenceValues>
<PartySubTypeValues><PartySubType ID="4" PartyTypeID="1">Unknown</PartySubType></PartySubTypeValues>
<PartyTypeValues><PartyType ID="1">Individual</PartyType></PartyTypeValues>
<NamePartTypeValues><NamePartType ID="1520">Last Name</NamePartType><NamePartType ID="1521">First Name</NamePartType></NamePartTypeValues>
<ScriptValues><Script ID="215" ScriptCode="Latn">Latin</Script><Script ID="160" ScriptCode="Arab">Arabic</Script></ScriptValues></ReferenceValueSets>
<Locations><Location ID="5"><LocationCountry CountryID="11"/></Location></Locations>
<DistinctParties><DistinctParty FixedRef="99"><Profile ID="99" PartySubTypeID="4"><Identity Primary="true">
<Alias Primary="true" LowQuality="false"><DocumentedName><DocumentedNamePart><NamePartValue NamePartGroupID="1" ScriptID="215">Listed</NamePartValue></DocumentedNamePart>
<DocumentedNamePart><NamePartValue NamePartGroupID="2" ScriptID="215">Some</NamePartValue></DocumentedNamePart></DocumentedName>
<DocumentedName><DocumentedNamePart><NamePartValue NamePartGroupID="2" ScriptID="160">سام</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
<NamePartGroups><MasterNamePartGroup><NamePartGroup ID="1" NamePartTypeID="1520"/></MasterNamePartGroup>
<MasterNamePartGroup><NamePartGroup ID="2" NamePartTypeID="1521"/></MasterNamePartGroup></NamePartGroups>
<Alias Primary="false" LowQuality="true"><DocumentedName><DocumentedNamePart><NamePartValue>Boat</NamePartValue></DocumentedNamePart></DocumentedName></Alias></Identity>
<Feature FeatureTypeID="8"><FeatureVersion><DatePeriod><Start Approximate="false"><From><Year>1970</Year><Month>1</Month><Day>1</Day></From><To><Year>1970</Year><Month>1</Month><Day>1</Day></To></Start>
<End Approximate="false"><From><Year>1970</Year><Month>12</Month><Day>31</Day></From><To><Year>1970</Year><Month>12</Month><Day>31</Day></To></End></DatePeriod></FeatureVersion></Feature>
<Feature FeatureTypeID="344"><FeatureVersion><VersionDetail DetailTypeID="1432">1abc</VersionDetail></FeatureVersion></Feature>
<Feature FeatureTypeID="224"><FeatureVersion><VersionDetail DetailReferenceID="91"/></FeatureVersion></Feature>
<Feature FeatureTypeID="10"><FeatureVersion><VersionLocation LocationID="5"/></FeatureVersion></Feature>
</Profile></DistinctParty></DistinctParties>
<SanctionsEntries><SanctionsEntry ID="1" ProfileID="99"><SanctionsMeasure SanctionsTypeID="1"><Comment>SDGT</Comment></SanctionsMeasure></SanctionsEntry></SanctionsEntries></Sanctions>`,
    );
    expect(findings).toEqual([]);
    expect(entries).toMatchObject([
      {
        id: '99',
        topics: ['SDGT'],
        schema: 'Person',
        gender: 'male',
        countries: ['iq'],
        names: [
          { text: 'Some Listed', kind: 'primary' },
          { text: 'سام', kind: 'original', script: 'arabic' },
          { text: 'Boat', kind: 'weak' },
        ],
        birthDates: [{ from: '1970-01-01', to: '1970-12-31' }],
        addresses: [{ asset: 'XBT', address: '1abc' }],
      },
    ]);
  });

  test('an address list has Lightning nodes, domains and Lightning addresses beside', async () => {
    const node = `02${'ab'.repeat(32)}`;
    const text = `${node}\nevil.example\nbob@evil.example\nDOMAIN,other.example\n..\na@b@c.d\n`;
    const { entries, findings } = await read('addresses', text);
    expect(entries.map(({ addresses }) => addresses[0])).toEqual([
      { asset: 'LNNODE', address: node },
      { asset: 'DOMAIN', address: 'evil.example' },
      { asset: 'LNADDR', address: 'bob@evil.example' },
      { asset: 'DOMAIN', address: 'other.example' },
    ]);
    expect(findings.map(({ line }) => line)).toEqual([5, 6]);
  });

  test('reads dates as lists write them, and no day that no calendar has', () => {
    expect(readDate('20 May 1985')).toEqual({ from: '1985-05-20', to: '1985-05-20' });
    expect(readDate('Feb 1984')).toEqual({ from: '1984-02-01', to: '1984-02-29' });
    expect(readDate('1979 to 1982')).toEqual({ from: '1979-01-01', to: '1982-12-31' });
    expect(readDate('1970-00-00')).toEqual({ from: '1970-01-01', to: '1970-12-31' });
    expect(readDate('31 Apr 1970')).toBeNull();
    expect(readDate('soon')).toBeNull();
  });
});
