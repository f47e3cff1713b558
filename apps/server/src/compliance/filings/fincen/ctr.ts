import type { CtrFacts, CtrPerson, FilingReporter } from '@quittance/contract';
import { type Built, type Fields, readFields, yes } from '../findings.ts';
import { element, leaf, numbered, type XmlElement } from '../xml/element.ts';
import { distinct, writeBatch } from './batch.ts';
import { CTR_DETAIL, CTR_PART, CTR_UNKNOWN_REGULATOR, PARTY, REGULATOR } from './codes.ts';
import {
  addressOf,
  birthDate,
  contactOffice,
  electronicAddress,
  identifications,
  institutionParts,
  legalName,
  occupation,
  otherName,
  phone,
  transmitter,
} from './party.ts';
import { neededDay, readPriorReport } from './sar.ts';

/** A CTR has room for the tax number and one paper of a person. */
const MAX_PAPERS = 1;
const MAX_ACCOUNT = 40;

type Totals = { cashIn: bigint; cashOut: bigint; all: bigint };

/**
 * A currency transaction report as FinCEN's batch file (Report 112, schema CTRX 1.2). Amounts are
 * rounded up one by one, and totals are sums of what is written, so that the form adds up.
 */
export function buildCtr(facts: CtrFacts, reporter: FilingReporter): Built {
  const fields = readFields();
  const { totals, details } = readDetails(fields, facts);
  if (facts.persons.length === 0) fields.tell('/persons', 'is missing: at least one person');
  const activity = numbered('Activity', [
    leaf(
      'EFilingPriorDocumentNumber',
      readPriorReport(fields, {
        isFirst: facts.report === 'initial',
        priorReportId: facts.priorReportId,
      }),
    ),
    leaf('FilingDateText', neededDay(fields, '/filingDate', facts.filingDate)),
    numbered('ActivityAssociation', [
      element('CorrectsAmendsPriorReportIndicator', flag(facts.report === 'correction')),
      element('FinCENDirectBackFileIndicator', ''),
      element('InitialReportIndicator', flag(facts.report === 'initial')),
    ]),
    ...transmitter(fields, reporter),
    filer(fields, reporter),
    contactOffice(fields, reporter),
    location(fields, reporter, totals),
    ...facts.persons.map((person, at) => personOf(fields, `/persons/${at}`, person)),
    numbered('CurrencyTransactionActivity', [
      element('AggregateTransactionIndicator', flag(facts.aggregated)),
      element('ArmoredCarServiceIndicator', flag(facts.armoredCar)),
      element('ATMIndicator', flag(facts.atm)),
      element('MailDepositShipmentIndicator', flag(facts.mailDeposit)),
      element('NightDepositIndicator', flag(facts.nightDeposit)),
      element('SharedBranchingIndicator', flag(facts.sharedBranching)),
      element('TotalCashInReceiveAmountText', amount(totals.cashIn)),
      element('TotalCashOutAmountText', amount(totals.cashOut)),
      leaf('TransactionDateText', neededDay(fields, '/transactionDate', facts.transactionDate)),
      ...details,
    ]),
  ]);
  if (fields.findings.length > 0) return { ok: false, findings: distinct(fields.findings) };
  const parties = facts.persons.length;
  const total = String(totals.all);
  const xml = writeBatch({
    form: 'CTRX',
    activity,
    attributes: [
      ['TotalAmount', total],
      ['PartyCount', String(parties)],
      ['ActivityCount', '1'],
    ],
  });
  return { ok: true, xml, summary: { activities: 1, parties, total } };
}

/** These elements stand in every report, empty for no. */
function flag(is: boolean | undefined): string {
  return is === true ? 'Y' : '';
}

/** An empty element says that there was none. */
function amount(total: bigint): string {
  return total === 0n ? '' : String(total);
}

function readDetails(
  fields: Fields,
  { details }: CtrFacts,
): { totals: Totals; details: XmlElement[] } {
  const totals: Totals = { cashIn: 0n, cashOut: 0n, all: 0n };
  if (details.length === 0) fields.tell('/details', 'is missing: at least one amount');
  const elements = details.map(({ kind, amount: given, country, otherText }, at) => {
    const pointer = `/details/${at}`;
    const { code, way } = CTR_DETAIL[kind];
    const whole = fields.wholeUp(`${pointer}/amount`, given) ?? 0n;
    if (whole === 0n) fields.tell(`${pointer}/amount`, 'is zero');
    totals.all += whole;
    if (way === 'in') totals.cashIn += whole;
    if (way === 'out') totals.cashOut += whole;
    const isOther = kind === 'other_in' || kind === 'other_out';
    const text = isOther ? fields.needed(`${pointer}/otherText`, otherText, 50) : null;
    const land = way === 'foreign' ? fields.needed(`${pointer}/country`, country, 2) : null;
    return numbered('CurrencyTransactionActivityDetail', [
      leaf('CurrencyTransactionActivityDetailTypeCode', code),
      leaf('DetailTransactionAmountText', String(whole)),
      element('OtherCurrencyTransactionActivityDetailText', text ?? ''),
      element('OtherForeignCurrencyCountryText', land ?? ''),
    ]);
  });
  return { totals, details: elements };
}

function regulatorOf({ regulator }: FilingReporter): string {
  return regulator === 'none' ? CTR_UNKNOWN_REGULATOR : REGULATOR[regulator];
}

function filer(fields: Fields, reporter: FilingReporter): XmlElement {
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', PARTY.filer),
    leaf('PrimaryRegulatorTypeCode', regulatorOf(reporter)),
    ...institutionParts(fields, reporter),
  ]);
}

function location(fields: Fields, reporter: FilingReporter, totals: Totals): XmlElement {
  const { cashIn, cashOut } = totals;
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', PARTY.location),
    leaf('IndividualEntityCashInAmountText', cashIn === 0n ? null : String(cashIn)),
    leaf('IndividualEntityCashOutAmountText', cashOut === 0n ? null : String(cashOut)),
    leaf('PrimaryRegulatorTypeCode', regulatorOf(reporter)),
    ...institutionParts(fields, reporter),
  ]);
}

function personOf(fields: Fields, pointer: string, person: CtrPerson): XmlElement {
  const { type, gender, multiple, part } = person;
  const isPerson = type === 'individual';
  const born = birthDate(fields, `${pointer}/birthDate`, person);
  const one = (name: 'otherNames' | 'phones' | 'emails'): string | undefined => {
    const all = person[name] ?? [];
    if (all.length > 1) fields.tell(`${pointer}/${name}/1`, 'this report has room for one');
    return all[0];
  };
  const alias = one('otherNames');
  const number = one('phones');
  const email = one('emails');
  const cash = (name: 'cashInUsd' | 'cashOutUsd') => {
    const whole = fields.wholeUp(`${pointer}/${name}`, person[name]);
    return whole === null || whole === 0n ? null : String(whole);
  };
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', CTR_PART[part]),
    leaf('BirthDateUnknownIndicator', yes(isPerson && born === null)),
    leaf('FemaleGenderIndicator', yes(isPerson && gender === 'female')),
    leaf('IndividualBirthDateText', born),
    leaf('IndividualEntityCashInAmountText', cash('cashInUsd')),
    leaf('IndividualEntityCashOutAmountText', cash('cashOutUsd')),
    leaf('MaleGenderIndicator', yes(isPerson && gender === 'male')),
    leaf('MultipleTransactionsPersonsIndividualsIndicator', yes(multiple === true)),
    leaf('PartyAsEntityOrganizationIndicator', yes(type === 'entity')),
    leaf('UnknownGenderIndicator', yes(isPerson && gender === undefined)),
    legalName(fields, pointer, person),
    alias === undefined
      ? null
      : otherName(fields, `${pointer}/otherNames/0`, { name: alias, code: 'AKA' }),
    addressOf(fields, `${pointer}/address`, person.address),
    number === undefined ? null : phone(fields, `${pointer}/phones/0`, { number }),
    ...identifications(fields, `${pointer}/ids`, { ids: person.ids, most: MAX_PAPERS }),
    occupation(fields, pointer, person),
    email === undefined
      ? null
      : electronicAddress(fields, `${pointer}/emails/0`, { text: email, code: null }),
    ...accounts(fields, `${pointer}/accountsIn`, { numbers: person.accountsIn, code: '8' }),
    ...accounts(fields, `${pointer}/accountsOut`, { numbers: person.accountsOut, code: '9' }),
  ]);
}

function accounts(
  fields: Fields,
  pointer: string,
  { numbers, code }: { numbers: readonly string[] | undefined; code: '8' | '9' },
): XmlElement[] {
  return (numbers ?? []).flatMap((number, at) => {
    const text = fields.text(`${pointer}/${at}`, number, MAX_ACCOUNT);
    if (text === null) return [];
    return numbered('Account', [
      leaf('AccountNumberText', text),
      numbered('PartyAccountAssociation', [leaf('PartyAccountAssociationTypeCode', code)]),
    ]);
  });
}
