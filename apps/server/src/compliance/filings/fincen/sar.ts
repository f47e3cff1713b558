import type { FilingReporter, FilingSubject, SarFacts } from '@quittance/contract';
import { type Built, type Fields, readFields, yes } from '../findings.ts';
import { leaf, numbered, type XmlElement } from '../xml/element.ts';
import { BSA_ID, distinct, writeBatch } from './batch.ts';
import { ACTIVITY_GROUP, isOtherActivity, PARTY, REGULATOR } from './codes.ts';
import { splitNarrative } from './narrative.ts';
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
  ownTaxText,
  phone,
  transmitter,
} from './party.ts';

/** Papers beside the tax number that one subject may have. */
const MAX_PAPERS = 99;
const MAX_ACCOUNT = 40;
/** A SAR has no element for what was paid with; FinCEN's "other" (41) of the payment mechanisms (6). */
const BITCOIN = { subtype: '41', type: '6', text: 'Bitcoin (convertible virtual currency)' };

/**
 * A suspicious activity report as FinCEN's batch file (Report 111, schema SARX 1.2), with one
 * report in it. Pure: the same facts give the same bytes.
 * @returns the document, or all that is missing or does not fit, field by field
 */
export function buildSar(facts: SarFacts, reporter: FilingReporter): Built {
  const fields = readFields();
  const parties = [
    ...transmitter(fields, reporter),
    filer(fields, reporter),
    contactOffice(fields, reporter),
    ...subjects(fields, facts, reporter),
    location(fields, reporter),
  ];
  const { amountUsd } = facts.activity;
  const total = fields.wholeUp('/activity/amountUsd', amountUsd ?? undefined);
  const activity = numbered('Activity', [
    leaf('EFilingPriorDocumentNumber', priorReport(fields, facts)),
    leaf('FilingDateText', neededDay(fields, '/filingDate', facts.filingDate)),
    leaf('FilingInstitutionNotetoFinCEN', fields.text('/noteToFincen', facts.noteToFincen, 50)),
    numbered('ActivityAssociation', [
      leaf('ContinuingActivityReportIndicator', yes(facts.report === 'continuing')),
      leaf('CorrectsAmendsPriorReportIndicator', yes(facts.report === 'correction')),
      leaf('InitialReportIndicator', yes(facts.report === 'initial')),
      leaf('JointReportIndicator', yes(facts.joint === true)),
    ]),
    ...parties,
    suspiciousActivity(fields, facts, total),
    ...ipAddresses(fields, facts),
    numbered('Assets', [
      leaf('AssetSubtypeID', BITCOIN.subtype),
      leaf('AssetTypeID', BITCOIN.type),
      leaf('OtherAssetSubtypeText', BITCOIN.text),
    ]),
    ...narrative(fields, facts),
  ]);
  if (fields.findings.length > 0) return { ok: false, findings: distinct(fields.findings) };
  const subjectCount = Math.max(1, facts.subjects.length);
  const totalAmount = String(total ?? 0n);
  const xml = writeBatch({
    form: 'SARX',
    activity,
    attributes: [
      ['TotalAmount', totalAmount],
      // FinCEN counts those whom a report is about, not the institutions.
      ['PartyCount', String(subjectCount)],
      ['ActivityCount', '1'],
      ['ActivityAttachmentCount', '0'],
      ['AttachmentCount', '0'],
    ],
  });
  return { ok: true, xml, summary: { activities: 1, parties: subjectCount, total: totalAmount } };
}

function priorReport(fields: Fields, { report, priorReportId }: SarFacts): string | null {
  return readPriorReport(fields, { isFirst: report === 'initial', priorReportId });
}

/** A first report has no prior one; any other names it, by zeros where its id is not known. */
export function readPriorReport(
  fields: Fields,
  { isFirst, priorReportId }: { isFirst: boolean; priorReportId: string | undefined },
): string | null {
  if (isFirst) {
    if (priorReportId !== undefined) fields.tell('/priorReportId', 'an initial report has none');
    return null;
  }
  const id = fields.needed('/priorReportId', priorReportId, 14);
  if (id !== null && !BSA_ID.test(id)) {
    fields.tell('/priorReportId', 'a BSA ID has 14 digits; write 14 zeros when it is not known');
  }
  return id;
}

export function neededDay(fields: Fields, pointer: string, day: string | undefined): string | null {
  const found = fields.day(pointer, day);
  if (found === null && (day === undefined || day === '')) fields.tell(pointer, 'is missing');
  return found;
}

function filer(fields: Fields, reporter: FilingReporter): XmlElement {
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', PARTY.filer),
    leaf('PrimaryRegulatorTypeCode', REGULATOR[reporter.regulator]),
    ...institutionParts(fields, reporter),
  ]);
}

/** Where it happened: the institution itself, which has no branches. */
function location(fields: Fields, reporter: FilingReporter): XmlElement {
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', PARTY.location),
    leaf('NoBranchActivityInvolvedIndicator', 'Y'),
    leaf('PrimaryRegulatorTypeCode', REGULATOR[reporter.regulator]),
    ...institutionParts(fields, reporter),
  ]);
}

function subjects(fields: Fields, facts: SarFacts, reporter: FilingReporter): XmlElement[] {
  if (facts.subjects.length === 0) return [unknownSubject()];
  return facts.subjects.map((subject, at) =>
    isUnknown(subject)
      ? unknownSubject()
      : knownSubject(fields, { pointer: `/subjects/${at}`, subject, reporter }),
  );
}

function isUnknown({ type, name, ...rest }: FilingSubject): boolean {
  if (type !== 'unknown' || (name ?? '') !== '') return false;
  return Object.values(rest).every(
    (value) => value === undefined || Object.keys(value).length === 0,
  );
}

function unknownSubject(): XmlElement {
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', PARTY.subject),
    leaf('AllCriticalSubjectInformationUnavailableIndicator', 'Y'),
  ]);
}

function knownSubject(
  fields: Fields,
  given: { pointer: string; subject: FilingSubject; reporter: FilingReporter },
): XmlElement {
  const { pointer, subject, reporter } = given;
  const { type, role, gender } = subject;
  const isPerson = type === 'individual';
  const born = birthDate(fields, `${pointer}/birthDate`, subject);
  const list = (name: 'otherNames' | 'phones' | 'emails' | 'urls') =>
    (subject[name] ?? []).map((value, at) => ({ value, at: `${pointer}/${name}/${at}` }));
  return numbered('Party', [
    leaf('ActivityPartyTypeCode', PARTY.subject),
    leaf('BirthDateUnknownIndicator', yes(isPerson && born === null)),
    leaf('BothPurchaserSenderPayeeReceiveIndicator', yes(role === 'both')),
    leaf('FemaleGenderIndicator', yes(isPerson && gender === 'female')),
    leaf('IndividualBirthDateText', born),
    leaf('MaleGenderIndicator', yes(isPerson && gender === 'male')),
    leaf('NoKnownAccountInvolvedIndicator', yes((subject.accounts ?? []).length === 0)),
    leaf('PartyAsEntityOrganizationIndicator', yes(type === 'entity')),
    leaf('PayeeReceiverIndicator', yes(role === 'receiver')),
    leaf('PurchaserSenderIndicator', yes(role === 'sender')),
    leaf('UnknownGenderIndicator', yes(isPerson && gender === undefined)),
    legalName(fields, pointer, subject),
    ...list('otherNames').map(({ value, at }) =>
      otherName(fields, at, { name: value, code: 'AKA' }),
    ),
    addressOf(fields, `${pointer}/address`, subject.address),
    ...list('phones').map(({ value, at }) => phone(fields, at, { number: value })),
    ...identifications(fields, `${pointer}/ids`, { ids: subject.ids, most: MAX_PAPERS }),
    occupation(fields, pointer, subject),
    ...list('emails').map(({ value, at }) =>
      electronicAddress(fields, at, { text: value, code: 'E' }),
    ),
    ...list('urls').map(({ value, at }) =>
      electronicAddress(fields, at, { text: value, code: 'U' }),
    ),
    relationship(fields, subject, reporter),
    accounts(fields, given),
  ]);
}

function relationship(
  fields: Fields,
  { relationship }: FilingSubject,
  reporter: FilingReporter,
): XmlElement | null {
  if (relationship === undefined) return null;
  return numbered('PartyAssociation', [
    leaf('CustomerIndicator', yes(relationship === 'customer')),
    leaf('NoRelationshipToInstitutionIndicator', yes(relationship === 'none')),
    leaf('SubjectRelationshipFinancialInstitutionTINText', ownTaxText(fields, reporter)),
  ]);
}

function accounts(
  fields: Fields,
  {
    pointer,
    subject,
    reporter,
  }: {
    pointer: string;
    subject: FilingSubject;
    reporter: FilingReporter;
  },
): XmlElement | null {
  const found = (subject.accounts ?? []).flatMap(
    (account, at) => fields.text(`${pointer}/accounts/${at}`, account, MAX_ACCOUNT) ?? [],
  );
  if (found.length === 0) return null;
  return numbered('PartyAccountAssociation', [
    leaf('PartyAccountAssociationTypeCode', '7'),
    numbered('Party', [
      leaf('ActivityPartyTypeCode', PARTY.accountInstitution),
      numbered('PartyIdentification', [
        leaf('PartyIdentificationNumberText', ownTaxText(fields, reporter)),
        leaf('PartyIdentificationTypeCode', '4'),
      ]),
      ...found.map((account) =>
        numbered('Account', [
          leaf('AccountNumberText', account),
          numbered('PartyAccountAssociation', [leaf('PartyAccountAssociationTypeCode', '5')]),
        ]),
      ),
    ]),
  ]);
}

function suspiciousActivity(
  fields: Fields,
  { activity, report }: SarFacts,
  total: bigint | null,
): XmlElement {
  const from = neededDay(fields, '/activity/from', activity.from);
  const to = fields.day('/activity/to', activity.to);
  if (from !== null && to !== null && to < from) {
    fields.tell('/activity/to', 'is before the first day');
  }
  const cumulative = fields.wholeUp('/activity/cumulativeUsd', activity.cumulativeUsd);
  if (report === 'continuing' && cumulative === null) {
    fields.tell('/activity/cumulativeUsd', 'is missing: a continuing report has it');
  }
  return numbered('SuspiciousActivity', [
    leaf('AmountUnknownIndicator', yes(activity.amountUsd === undefined)),
    leaf('CumulativeTotalViolationAmountText', cumulative === null ? null : String(cumulative)),
    leaf('NoAmountInvolvedIndicator', yes(activity.amountUsd === null)),
    leaf('SuspiciousActivityFromDateText', from),
    leaf('SuspiciousActivityToDateText', to),
    leaf('TotalSuspiciousAmountText', total === null ? null : String(total)),
    ...classifications(fields, activity.kinds),
  ]);
}

function classifications(fields: Fields, kinds: SarFacts['activity']['kinds']): XmlElement[] {
  if (kinds.length === 0) fields.tell('/activity/kinds', 'is missing: at least one kind');
  const seen = new Set<number>();
  return kinds.flatMap(({ code, otherText }, at) => {
    const pointer = `/activity/kinds/${at}`;
    const group = ACTIVITY_GROUP.get(code);
    if (group === undefined) {
      fields.tell(`${pointer}/code`, `${code} is no kind of activity of FinCEN's list`);
      return [];
    }
    if (seen.has(code)) fields.tell(`${pointer}/code`, `${code} is there twice`);
    seen.add(code);
    const other = isOtherActivity(code)
      ? fields.needed(`${pointer}/otherText`, otherText, 50)
      : null;
    return numbered('SuspiciousActivityClassification', [
      leaf('OtherSuspiciousActivityTypeText', other),
      leaf('SuspiciousActivitySubtypeID', String(code)),
      leaf('SuspiciousActivityTypeID', group),
    ]);
  });
}

function ipAddresses(fields: Fields, { activity }: SarFacts): XmlElement[] {
  return (activity.ipAddresses ?? []).flatMap((address, at) => {
    const text = fields.text(`/activity/ipAddresses/${at}`, address, 39);
    return text === null ? [] : numbered('ActivityIPAddress', [leaf('IPAddressText', text)]);
  });
}

function narrative(fields: Fields, facts: SarFacts): XmlElement[] {
  const split = splitNarrative(facts.narrative);
  if (!split.ok) {
    fields.tell('/narrative', split.reason);
    return [];
  }
  return split.parts.map((part, at) =>
    numbered('ActivityNarrativeInformation', [
      leaf('ActivityNarrativeSequenceNumber', String(at + 1)),
      leaf('ActivityNarrativeText', part),
    ]),
  );
}
