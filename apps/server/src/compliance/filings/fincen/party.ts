import type { CtrPerson, FilingAddress, FilingReporter, FilingSubject } from '@quittance/contract';
import { type Fields, yes } from '../findings.ts';
import { leaf, numbered, type XmlElement } from '../xml/element.ts';
import {
  COUNTRIES_WITH_STATES,
  ID_KIND,
  INSTITUTION,
  TAX_KINDS,
  TIN_OF_ANY_KIND,
  TRANSMITTER_CONTROL_CODE,
} from './codes.ts';

/** A person or an entity as both FinCEN's reports have it. */
export type Party = Omit<FilingSubject, 'accounts' | 'role' | 'relationship'> | CtrPerson;

const MAX_FULL_NAME = 150;
const MAX_NAME_PART = 35;
const MAX_PHONE = 16;
const MAX_ID = 25;
const MAX_ELECTRONIC_ADDRESS = 517;
const MAX_OCCUPATION = 50;
const MAX_NAICS = 6;
const MAX_OTHER_TEXT = 50;
/** FinCEN's own code of who transmits. */
const CONTROL_CODE = /^[A-Z0-9]{8}$/;
const US_TAX_NUMBER = /^[0-9]{9}$/;

/** Two letters, dots or digits: "00" stands for a month or a day that nobody knows. */
const BIRTH_DATE = /^(?:19|20)[0-9]{2}-(?:0[0-9]|1[0-2])-(?:[0-2][0-9]|3[01])$/;

/** The legal name of an institution or an office, in one piece. */
export function fullName(fields: Fields, pointer: string, name: string | undefined): XmlElement {
  return numbered('PartyName', [
    leaf('PartyNameTypeCode', 'L'),
    leaf('RawPartyFullName', fields.needed(pointer, name, MAX_FULL_NAME)),
  ]);
}

export function otherName(
  fields: Fields,
  pointer: string,
  { name, code }: { name: string; code: 'AKA' | 'DBA' },
): XmlElement | null {
  const found = fields.text(pointer, name, MAX_FULL_NAME);
  if (found === null) return null;
  return numbered('PartyName', [leaf('PartyNameTypeCode', code), leaf('RawPartyFullName', found)]);
}

/** A party's legal name; what is not known is filed as unknown. */
export function legalName(fields: Fields, pointer: string, party: Party): XmlElement {
  const isPerson = party.type === 'individual';
  const name = fields.text(`${pointer}/name`, party.name, MAX_FULL_NAME);
  const part = (field: 'firstName' | 'middleName' | 'suffix') =>
    isPerson ? fields.text(`${pointer}/${field}`, party[field], MAX_NAME_PART) : null;
  const firstName = part('firstName');
  return numbered('PartyName', [
    leaf('EntityLastNameUnknownIndicator', yes(name === null)),
    leaf('FirstNameUnknownIndicator', yes(isPerson && firstName === null)),
    leaf('PartyNameTypeCode', 'L'),
    leaf('RawEntityIndividualLastName', name),
    leaf('RawIndividualFirstName', firstName),
    leaf('RawIndividualMiddleName', part('middleName')),
    leaf('RawIndividualNameSuffixText', part('suffix')),
  ]);
}

type AddressText = { readonly [Part in keyof FilingAddress]-?: string | null };

function readAddress(fields: Fields, pointer: string, given: FilingAddress): AddressText {
  const country = fields.text(`${pointer}/country`, given.country, 2);
  const zip =
    country === 'US'
      ? fields.digits(`${pointer}/postCode`, given.postCode, 9)
      : (fields
          .text(`${pointer}/postCode`, given.postCode, Number.POSITIVE_INFINITY)
          ?.replace(/[\s-]/gu, '') ?? null);
  if (country === 'US' && zip !== null && zip.length !== 5 && zip.length !== 9) {
    fields.tell(`${pointer}/postCode`, 'a ZIP code has 5 or 9 digits');
  }
  return {
    city: fields.text(`${pointer}/city`, given.city, 50),
    country,
    state: COUNTRIES_WITH_STATES.has(country ?? '')
      ? fields.text(`${pointer}/state`, given.state, 3)
      : null,
    street: fields.text(`${pointer}/street`, given.street, 100),
    postCode: fields.text(`${pointer}/postCode`, zip ?? undefined, 9),
  };
}

/** An address of somebody who may not have told it: what is not known is filed as unknown. */
export function addressOf(
  fields: Fields,
  pointer: string,
  given: FilingAddress | undefined,
): XmlElement {
  const found = readAddress(fields, pointer, given ?? {});
  const hasStates = COUNTRIES_WITH_STATES.has(found.country ?? '');
  return numbered('Address', [
    leaf('CityUnknownIndicator', yes(found.city === null)),
    leaf('CountryCodeUnknownIndicator', yes(found.country === null)),
    leaf('RawCityText', found.city),
    leaf('RawCountryCodeText', found.country),
    leaf('RawStateCodeText', found.state),
    leaf('RawStreetAddress1Text', found.street),
    leaf('RawZIPCode', found.postCode),
    leaf('StateCodeUnknownIndicator', yes(hasStates && found.state === null)),
    leaf('StreetAddressUnknownIndicator', yes(found.street === null)),
    leaf('ZIPCodeUnknownIndicator', yes(found.postCode === null)),
  ]);
}

/** The reporter's own address, of which nothing may be unknown. */
export function ownAddress(fields: Fields, pointer: string, given: FilingAddress): XmlElement {
  const found = readAddress(fields, pointer, given);
  const hasStates = COUNTRIES_WITH_STATES.has(found.country ?? '');
  for (const part of ['street', 'city', 'postCode', 'country'] as const) {
    if (found[part] === null) fields.tell(`${pointer}/${part}`, 'is missing');
  }
  if (hasStates && found.state === null) fields.tell(`${pointer}/state`, 'is missing');
  return numbered('Address', [
    leaf('RawCityText', found.city),
    leaf('RawCountryCodeText', found.country),
    leaf('RawStateCodeText', found.state),
    leaf('RawStreetAddress1Text', found.street),
    leaf('RawZIPCode', found.postCode),
  ]);
}

export function phone(
  fields: Fields,
  pointer: string,
  given: { number: string; extension?: string | undefined; extensionPointer?: string },
): XmlElement | null {
  const number = fields.digits(pointer, given.number, MAX_PHONE);
  if (number === null) return null;
  const at = given.extensionPointer ?? pointer;
  return numbered('PhoneNumber', [
    leaf('PhoneNumberExtensionText', fields.digits(at, given.extension, 6)),
    leaf('PhoneNumberText', number),
  ]);
}

/**
 * Tax numbers and papers. A tax number that is not known is filed as unknown, and so are papers.
 * @param most how many papers the report has room for
 */
export function identifications(
  fields: Fields,
  pointer: string,
  { ids, most }: { ids: Party['ids']; most: number },
): XmlElement[] {
  const all = (ids ?? []).map((id, at) => ({ id, at: `${pointer}/${at}` }));
  const taxes = all.filter(({ id }) => TAX_KINDS.has(id.kind));
  const papers = all.filter(({ id }) => !TAX_KINDS.has(id.kind));
  for (const { at } of taxes.slice(1)) fields.tell(at, 'a party has one tax number');
  for (const { at } of papers.slice(most)) fields.tell(at, `at most ${most} papers`);
  const tax = taxes.slice(0, 1).map(({ id, at }) => {
    const number =
      id.kind === 'foreign_tin'
        ? fields.needed(`${at}/number`, id.number, MAX_ID)
        : taxNumber(fields, `${at}/number`, id.number);
    return numbered('PartyIdentification', [
      leaf('OtherIssuerCountryText', fields.text(`${at}/country`, id.country, 2)),
      leaf('PartyIdentificationNumberText', number),
      leaf('PartyIdentificationTypeCode', ID_KIND[id.kind]),
    ]);
  });
  const shown = papers.slice(0, most).map(({ id, at }) => {
    const isOther = id.kind === 'other';
    return numbered('PartyIdentification', [
      leaf('OtherIssuerCountryText', fields.text(`${at}/country`, id.country, 2)),
      leaf('OtherIssuerStateText', fields.text(`${at}/state`, id.state, 3)),
      leaf(
        'OtherPartyIdentificationTypeText',
        isOther ? fields.needed(`${at}/otherKind`, id.otherKind, MAX_OTHER_TEXT) : null,
      ),
      leaf('PartyIdentificationNumberText', fields.needed(`${at}/number`, id.number, MAX_ID)),
      leaf('PartyIdentificationTypeCode', ID_KIND[id.kind]),
    ]);
  });
  const unknown = (name: string) => numbered('PartyIdentification', [leaf(name, 'Y')]);
  return [
    ...(tax.length === 0 ? [unknown('TINUnknownIndicator')] : tax),
    ...(shown.length === 0 ? [unknown('IdentificationPresentUnknownIndicator')] : shown),
  ];
}

function taxNumber(fields: Fields, pointer: string, value: string): string | null {
  const digits = fields.digits(pointer, value, 9);
  if (digits === null) fields.tell(pointer, 'is missing');
  else if (!US_TAX_NUMBER.test(digits)) fields.tell(pointer, 'a US tax number has nine digits');
  return digits;
}

/** When somebody was born, as YYYYMMDD with zeros for what is not known; null: not told. */
export function birthDate(fields: Fields, pointer: string, party: Party): string | null {
  if (party.type !== 'individual' || party.birthDate === undefined) return null;
  if (!BIRTH_DATE.test(party.birthDate)) {
    fields.tell(pointer, 'write a day from 1900 on, as 1980-01-31, or with 00 for what is unknown');
    return null;
  }
  return party.birthDate.replaceAll('-', '');
}

export function occupation(fields: Fields, pointer: string, party: Party): XmlElement | null {
  const naics = fields.digits(`${pointer}/naicsCode`, party.naicsCode, MAX_NAICS);
  const text = fields.text(`${pointer}/occupation`, party.occupation, MAX_OCCUPATION);
  if (naics === null && text === null) return null;
  return numbered('PartyOccupationBusiness', [
    leaf('NAICSCode', naics),
    leaf('OccupationBusinessText', text),
  ]);
}

export function electronicAddress(
  fields: Fields,
  pointer: string,
  given: { text: string; code: 'E' | 'U' | null },
): XmlElement | null {
  const text = fields.text(pointer, given.text, MAX_ELECTRONIC_ADDRESS);
  if (text === null) return null;
  return numbered('ElectronicAddress', [
    leaf('ElectronicAddressText', text),
    leaf('ElectronicAddressTypeCode', given.code),
  ]);
}

/** Who sends the file: here the institution itself. */
export function transmitter(fields: Fields, reporter: FilingReporter): XmlElement[] {
  const { transmitterControlCode } = reporter;
  const code = fields.needed('/reporter/transmitterControlCode', transmitterControlCode, 8);
  if (code !== null && !CONTROL_CODE.test(code)) {
    fields.tell('/reporter/transmitterControlCode', 'eight capital letters and digits');
  }
  return [
    numbered('Party', [
      leaf('ActivityPartyTypeCode', '35'),
      fullName(fields, '/reporter/name', reporter.name),
      ownAddress(fields, '/reporter/address', reporter.address),
      ownPhone(fields, '/reporter/phone', { number: reporter.phone }),
      ownTaxNumber(fields, reporter, TIN_OF_ANY_KIND),
      numbered('PartyIdentification', [
        leaf('PartyIdentificationNumberText', code),
        leaf('PartyIdentificationTypeCode', TRANSMITTER_CONTROL_CODE),
      ]),
    ]),
    numbered('Party', [
      leaf('ActivityPartyTypeCode', '37'),
      fullName(fields, '/reporter/transmitterContact', reporter.transmitterContact),
    ]),
  ];
}

export function contactOffice(fields: Fields, reporter: FilingReporter): XmlElement {
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', '8'),
    fullName(fields, '/reporter/contactOffice', reporter.contactOffice),
    ownPhone(fields, '/reporter/contactPhone', {
      number: reporter.contactPhone,
      extension: reporter.contactExtension,
      extensionPointer: '/reporter/contactExtension',
    }),
  ]);
}

function ownPhone(...[fields, pointer, given]: Parameters<typeof phone>): XmlElement | null {
  const found = phone(fields, pointer, given);
  if (found === null) fields.tell(pointer, 'is missing');
  return found;
}

/** What the reporting institution and the place of the activity have in common. */
export function institutionParts(fields: Fields, reporter: FilingReporter): XmlElement[] {
  const { institution, institutionText } = reporter;
  const other =
    institution === 'other'
      ? fields.needed('/reporter/institutionText', institutionText, MAX_OTHER_TEXT)
      : null;
  return [
    fullName(fields, '/reporter/name', reporter.name),
    ...present(
      otherName(fields, '/reporter/otherName', { name: reporter.otherName ?? '', code: 'DBA' }),
    ),
    ownAddress(fields, '/reporter/address', reporter.address),
    ownTaxNumber(fields, reporter, ID_KIND[reporter.tinKind]),
    numbered('OrganizationClassificationTypeSubtype', [
      leaf('OrganizationTypeID', INSTITUTION[institution]),
      leaf('OtherOrganizationTypeText', other),
    ]),
  ];
}

function ownTaxNumber(fields: Fields, reporter: FilingReporter, code: string): XmlElement {
  return numbered('PartyIdentification', [
    leaf('PartyIdentificationNumberText', ownTaxText(fields, reporter)),
    leaf('PartyIdentificationTypeCode', code),
  ]);
}

/** The institution's tax number as it is filed. */
export function ownTaxText(fields: Fields, { tin, tinKind }: FilingReporter): string | null {
  return tinKind === 'foreign_tin'
    ? fields.needed('/reporter/tin', tin, MAX_ID)
    : taxNumber(fields, '/reporter/tin', tin);
}

function present(found: XmlElement | null): XmlElement[] {
  return found === null ? [] : [found];
}
