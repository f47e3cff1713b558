import type { FilingAddress, FilingReporter, FilingSubject, GoamlFacts } from '@quittance/contract';
import { type Built, type Fields, readFields } from '../findings.ts';
import { element, leaf, type Parts, writeXml, type XmlElement } from '../xml/element.ts';
import { lengthOf } from '../xml/text.ts';

/**
 * Codes that the schema in its 5.0.2 form has for bitcoin. Each FIU has its own lists: one that has
 * not these refuses the document at its own schema, which is why it is checked against that one.
 */
const CRYPTO = { mode: 'DAWLT', funds: 'CRPTC', account: 'CRYWT' } as const;
/** What goAML's lists have for "unknown". */
const UNKNOWN = '-';
const MAX_COMMENT = 8_000;
const MAX_NAME = 100;
const MAX_ENTITY_NAME = 255;
const MAX_DECIMALS = 13;
/** The schema's own pattern for names: letters of the English alphabet and little else. */
const LATIN = /^[a-zA-Z0-9 .'-]*$/;
const EMAIL =
  /^[_a-zA-Z0-9+-]+(?:\.[_a-zA-Z0-9+-]+)*@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*\.[a-zA-Z]{2,15}$/;

/**
 * A report as goAML's XML, schema 5.0.2: of transactions where there are any, else of activity. No
 * element that only later versions take is used.
 */
export function buildGoaml(facts: GoamlFacts, reporter: FilingReporter): Built {
  const fields = readFields();
  const { goaml } = reporter;
  if (goaml === undefined || goaml === null) {
    return {
      ok: false,
      findings: [{ pointer: '/reporter/goaml', detail: 'is missing: what your FIU gave you' }],
    };
  }
  if (facts.transactions.length === 0 && facts.subjects.length === 0) {
    fields.tell('/subjects', 'is missing: a report without transactions is about somebody');
  }
  const root = element('report', [
    element('rentity_id', String(goaml.entityId)),
    leaf('rentity_branch', fields.text('/reporter/goaml/branch', goaml.branch, 255)),
    element('submission_code', 'E'),
    leaf('report_code', fields.needed('/reportCode', facts.reportCode, 10)),
    leaf('entity_reference', fields.needed('/reference', facts.reference, 255)),
    leaf('fiu_ref_number', fields.text('/fiuReference', facts.fiuReference, 255)),
    leaf('submission_date', dateTime(fields, '/filingDate', facts.filingDate)),
    element('currency_code_local', goaml.currency),
    reportingPerson(fields, goaml),
    address(fields, '/reporter/address', reporter.address, 'location'),
    leaf('reason', fields.needed('/narrative', facts.narrative, MAX_COMMENT)),
    leaf('action', fields.text('/action', facts.action, MAX_COMMENT)),
    ...(facts.transactions.length > 0 ? transactions(fields, facts) : [activity(fields, facts)]),
    indicators(fields, facts),
  ]);
  if (fields.findings.length > 0) return { ok: false, findings: fields.findings };
  const total = sum(facts.transactions.map(({ amount }) => amount));
  const parties = facts.subjects.length;
  return { ok: true, xml: writeXml(root), summary: { activities: 1, parties, total } };
}

function reportingPerson(fields: Fields, goaml: NonNullable<FilingReporter['goaml']>): XmlElement {
  const at = '/reporter/goaml';
  return element('reporting_person', [
    leaf('first_name', latin(fields, `${at}/firstName`, goaml.firstName, MAX_NAME)),
    leaf('last_name', latin(fields, `${at}/lastName`, goaml.lastName, MAX_NAME)),
    leaf('email', email(fields, `${at}/email`, goaml.email)),
    leaf('occupation', fields.text(`${at}/occupation`, goaml.occupation, 255)),
  ]);
}

function transactions(fields: Fields, facts: GoamlFacts): XmlElement[] {
  const seen = new Set<string>();
  return facts.transactions.map((transaction, at) => {
    const pointer = `/transactions/${at}`;
    const number = fields.needed(`${pointer}/number`, transaction.number, 100);
    if (number !== null && seen.has(number)) fields.tell(`${pointer}/number`, 'is there twice');
    if (number !== null) seen.add(number);
    const side = (name: 'from' | 'to') => sideOf(fields, { facts, name, transaction, pointer });
    return element('transaction', [
      leaf('transactionnumber', number),
      element(
        'transaction_location',
        fields.text(`${pointer}/location`, transaction.location, 255) ?? '',
      ),
      leaf(
        'transaction_description',
        fields.needed(`${pointer}/description`, transaction.description, MAX_COMMENT),
      ),
      leaf('date_transaction', dateTime(fields, `${pointer}/date`, transaction.date)),
      element('transmode_code', CRYPTO.mode),
      element('transmode_comment', UNKNOWN),
      leaf('amount_local', decimal(fields, `${pointer}/amount`, transaction.amount)),
      element('t_from', side('from')),
      element('t_to', side('to')),
    ]);
  });
}

function sideOf(
  fields: Fields,
  given: {
    facts: GoamlFacts;
    name: 'from' | 'to';
    transaction: GoamlFacts['transactions'][number];
    pointer: string;
  },
): Parts {
  const { facts, name, transaction } = given;
  const side = transaction[name];
  const pointer = `${given.pointer}/${name}`;
  const at = side.subject;
  const subject = at === undefined ? undefined : facts.subjects[at];
  if (at !== undefined && subject === undefined) {
    fields.tell(`${pointer}/subject`, 'there is no such subject');
  }
  const wallet = fields.text(`${pointer}/wallet`, side.wallet, 255);
  const known = subject === undefined || at === undefined ? null : { subject, at };
  if (wallet === null && known === null) {
    fields.tell(pointer, 'is missing: a wallet, a subject, or both');
  }
  const country = side.country ?? known?.subject.address?.country ?? UNKNOWN;
  return [
    element(`${name}_funds_code`, CRYPTO.funds),
    wallet === null
      ? known === null
        ? null
        : party(fields, known, `${name}_`)
      : account(fields, { wallet, known, name: `${name}_account` }),
    element(`${name}_country`, country),
  ];
}

type Known = { subject: FilingSubject; at: number };

/** A Bitcoin address as an account without an institution, with whom it belongs to if known. */
function account(
  fields: Fields,
  { wallet, known, name }: { wallet: string; known: Known | null; name: string },
): XmlElement {
  const isEntity = known?.subject.type === 'entity';
  return element(name, [
    element('institution_code', UNKNOWN),
    element('non_bank_institution', 'true'),
    element('account', wallet),
    element('currency_code', 'XBT'),
    element('account_name', 'Bitcoin address'),
    element('personal_account_type', CRYPTO.account),
    known !== null && isEntity ? element('t_entity', entity(fields, known)) : null,
    known !== null && !isEntity
      ? element('signatory', [element('t_person', person(fields, known))])
      : null,
  ]);
}

function activity(fields: Fields, facts: GoamlFacts): XmlElement {
  return element('activity', [
    element(
      'report_parties',
      facts.subjects.map((subject, at) =>
        element('report_party', [
          party(fields, { subject, at }, ''),
          element('reason', `Subject ${at + 1} of ${facts.subjects.length}, see the reason above`),
        ]),
      ),
    ),
  ]);
}

function party(fields: Fields, known: Known, prefix: string): XmlElement {
  return known.subject.type === 'entity'
    ? element(`${prefix}entity`, entity(fields, known))
    : element(`${prefix}person`, person(fields, known));
}

function person(fields: Fields, { subject, at }: Known): Parts {
  const pointer = `/subjects/${at}`;
  const isUnknown = subject.type === 'unknown';
  const name = (field: 'firstName' | 'name') =>
    isUnknown && (subject[field] ?? '') === ''
      ? 'UNKNOWN'
      : neededLatin(fields, `${pointer}/${field}`, subject[field], MAX_NAME);
  const passport = subject.ids?.find(({ kind }) => kind === 'passport');
  const other = subject.ids?.find(({ kind }) => kind !== 'passport' && kind !== 'ssn_itin');
  const social = subject.ids?.find(({ kind }) => kind === 'ssn_itin');
  return [
    leaf('gender', subject.gender === undefined ? null : subject.gender === 'male' ? 'M' : 'F'),
    leaf('first_name', name('firstName')),
    leaf('middle_name', latin(fields, `${pointer}/middleName`, subject.middleName, MAX_NAME)),
    leaf('last_name', name('name')),
    leaf('birthdate', dateTime(fields, `${pointer}/birthDate`, subject.birthDate)),
    leaf('alias', aliases(fields, pointer, subject)),
    leaf('ssn', fields.text(`${pointer}/ids`, social?.number, 25)),
    ...(passport === undefined
      ? []
      : [
          leaf('passport_number', fields.needed(`${pointer}/ids`, passport.number, 255)),
          element('passport_country', passport.country ?? UNKNOWN),
        ]),
    leaf('id_number', fields.text(`${pointer}/ids`, other?.number, 255)),
    ...contacts(fields, pointer, subject),
    leaf('occupation', fields.text(`${pointer}/occupation`, subject.occupation, 255)),
    leaf('comments', comments(fields, pointer, subject)),
  ];
}

function entity(fields: Fields, { subject, at }: Known): Parts {
  const pointer = `/subjects/${at}`;
  return [
    leaf('name', neededLatin(fields, `${pointer}/name`, subject.name, MAX_ENTITY_NAME)),
    leaf('incorporation_number', fields.text(`${pointer}/ids/0`, subject.ids?.[0]?.number, 50)),
    leaf('business', fields.text(`${pointer}/occupation`, subject.occupation, 255)),
    ...contacts(fields, pointer, subject),
    leaf('comments', comments(fields, pointer, subject)),
  ];
}

/** The elements for phones, addresses and e-mail, which persons and entities share. */
function contacts(fields: Fields, pointer: string, subject: FilingSubject): Parts {
  const phones = (subject.phones ?? []).flatMap((number, at) => {
    const text = fields.text(`${pointer}/phones/${at}`, number, 50);
    if (text === null) return [];
    return element('phone', [
      element('tph_contact_type', UNKNOWN),
      element('tph_communication_type', UNKNOWN),
      element('tph_number', text),
    ]);
  });
  const place = subject.address;
  const found =
    place === undefined ? null : address(fields, `${pointer}/address`, place, 'address');
  const mails = (subject.emails ?? []).slice(0, 5);
  return [
    phones.length === 0 ? null : element('phones', phones),
    found === null ? null : element('addresses', [found]),
    ...mails.map((mail, at) => leaf('email', email(fields, `${pointer}/emails/${at}`, mail))),
  ];
}

/** An address whose parts that the schema needs are known; else it goes into the comments. */
function address(
  fields: Fields,
  pointer: string,
  given: FilingAddress,
  name: 'address' | 'location',
): XmlElement | null {
  const street = fields.text(`${pointer}/street`, given.street, 100);
  const city = fields.text(`${pointer}/city`, given.city, 255);
  if (street === null || city === null || given.country === undefined) return null;
  return element(name, [
    element('address_type', UNKNOWN),
    element('address', street),
    element('city', city),
    leaf('zip', fields.text(`${pointer}/postCode`, given.postCode, 10)),
    element('country_code', given.country),
    element('state', fields.text(`${pointer}/state`, given.state, 255) ?? UNKNOWN),
  ]);
}

/** What has no element of its own, in words: nothing that is known is left out. */
function comments(fields: Fields, pointer: string, subject: FilingSubject): string | null {
  const { accounts, urls, emails, otherNames, address: place, naicsCode } = subject;
  const incomplete =
    place !== undefined &&
    (place.street === undefined || place.city === undefined || place.country === undefined);
  const parts = [
    ...(accounts ?? []).map((account) => `Account: ${account}.`),
    ...(urls ?? []).map((url) => `Web: ${url}.`),
    ...(emails ?? []).slice(5).map((mail) => `E-mail: ${mail}.`),
    ...(otherNames ?? []).slice(1).map((name) => `Also known as: ${name}.`),
    ...(naicsCode === undefined ? [] : [`NAICS: ${naicsCode}.`]),
    ...(incomplete ? [`Address, as far as it is known: ${Object.values(place).join(', ')}.`] : []),
  ];
  return fields.text(pointer, parts.join(' '), MAX_COMMENT);
}

function aliases(fields: Fields, pointer: string, subject: FilingSubject): string | null {
  return fields.text(`${pointer}/otherNames/0`, subject.otherNames?.[0], MAX_NAME);
}

function indicators(fields: Fields, facts: GoamlFacts): XmlElement {
  if (facts.indicators.length === 0) fields.tell('/indicators', 'is missing: at least one');
  return element(
    'report_indicators',
    facts.indicators.map((code, at) =>
      leaf('indicator', fields.needed(`/indicators/${at}`, code, 20)),
    ),
  );
}

function neededLatin(
  fields: Fields,
  pointer: string,
  value: string | undefined,
  max: number,
): string | null {
  const found = latin(fields, pointer, value, max);
  if (found === null && (value ?? '').trim() === '') fields.tell(pointer, 'is missing');
  return found;
}

/** Accents are written without them; another script is for a person to write in Latin letters. */
function latin(
  fields: Fields,
  pointer: string,
  value: string | undefined,
  max: number,
): string | null {
  const text = fields.text(pointer, value, Number.POSITIVE_INFINITY);
  if (text === null) return null;
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[’‘`´]/gu, "'")
    .replace(/[‐-―]/gu, '-')
    .replace(/ß/gu, 'ss')
    .replace(/[øØ]/gu, (letter) => (letter === 'ø' ? 'o' : 'O'))
    .replace(/[łŁ]/gu, (letter) => (letter === 'ł' ? 'l' : 'L'));
  if (!LATIN.test(plain)) {
    fields.tell(
      pointer,
      "goAML takes English letters, digits, space and . ' - only: write the name as in a " +
        "passport's last lines, and the original among the other names",
    );
    return null;
  }
  if (lengthOf(plain) > max) fields.tell(pointer, `at most ${max} characters`);
  return plain;
}

function email(fields: Fields, pointer: string, value: string | undefined): string | null {
  const text = fields.text(pointer, value, 255);
  if (text !== null && !EMAIL.test(text)) fields.tell(pointer, 'goAML does not take this address');
  return text;
}

function dateTime(fields: Fields, pointer: string, day: string | undefined): string | null {
  const found = fields.day(pointer, day);
  return found === null || day === undefined ? null : `${day}T00:00:00`;
}

function decimal(fields: Fields, pointer: string, value: string): string | null {
  const fits = /^[0-9]{1,15}(?:\.[0-9]+)?$/.test(value);
  const decimals = value.split('.')[1]?.length ?? 0;
  if (!fits || decimals > MAX_DECIMALS) {
    fields.tell(pointer, `write a plain decimal with at most ${MAX_DECIMALS} decimals`);
    return null;
  }
  return value;
}

function sum(amounts: readonly string[]): string {
  const scale = 10n ** BigInt(MAX_DECIMALS);
  const total = amounts.reduce((all, amount) => {
    const [whole = '0', rest = ''] = amount.split('.');
    return all + BigInt(whole) * scale + BigInt(rest.padEnd(MAX_DECIMALS, '0'));
  }, 0n);
  const rest = String(total % scale)
    .padStart(MAX_DECIMALS, '0')
    .replace(/0+$/, '');
  return rest === '' ? String(total / scale) : `${total / scale}.${rest}`;
}
