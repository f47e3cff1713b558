import type {
  CtrPerson,
  FilingFacts,
  FilingKind,
  FilingReporter,
  FilingSubject,
  JsonValue,
} from '@quittance/contract';
import {
  currencyDecimals,
  formatBtc,
  formatDecimal,
  isCurrency,
  unreachable,
} from '@quittance/kernel';
import type { Transfer } from './subject-store.ts';
import { oneLine } from './xml/text.ts';

/** What a draft is made of: a case with its evidence, and what its subject moved. */
export type DraftSource = {
  readonly caseId: string;
  readonly summary: string;
  readonly subject: { readonly type: string; readonly id: string };
  readonly detectedAtMs: number;
  readonly alerts: readonly {
    readonly rule: string;
    readonly source: string;
    readonly severity: string;
    readonly summary: string;
    readonly facts: JsonValue;
    readonly raisedAtMs: number;
  }[];
  readonly transfers: readonly Transfer[];
  /** The customer that the case is about, as far as its profile says; null: nobody is known. */
  readonly person: FilingSubject | null;
  /** What the profile has and a report has no element for, in words. */
  readonly alsoKnown?: readonly string[];
  readonly network: string;
};

/** Kinds of suspicious activity that rules of ours speak of; a person corrects it where it is wrong. */
const ACTIVITY_OF_RULE: readonly { readonly word: RegExp; readonly code: number }[] = [
  { word: /structur|smurf|threshold/i, code: 114 },
  { word: /mixer|coinjoin|peel|darknet|source|blacklist|sanction|address/i, code: 821 },
  { word: /fan|funnel/i, code: 824 },
  { word: /rapid|velocity|dormant|anomal|amount|pattern/i, code: 812 },
  { word: /country|jurisdiction/i, code: 928 },
];
/** No apparent economic, business or lawful purpose: what is left when no rule says more. */
const NO_PURPOSE = 925;
/** Sentences about single transfers; beyond them the narrative says how many more there are. */
const MAX_TOLD_TRANSFERS = 25;
const MAX_TOLD_ALERTS = 25;
const MAX_TOLD_FINDS = 40;

/** A first draft of a report, for a person to complete. Pure. */
export function draftFacts(
  kind: FilingKind,
  source: DraftSource,
  given: { reporter: FilingReporter | null; nowMs: number },
): FilingFacts {
  const filingDate = day(given.nowMs);
  const times = [...source.transfers.map(({ atMs }) => atMs), source.detectedAtMs];
  const subjects =
    source.person === null ? [] : [{ ...source.person, ...roleOf(source.transfers) }];
  switch (kind) {
    case 'sar':
      return {
        kind,
        filingDate,
        report: 'initial',
        subjects,
        activity: {
          from: day(Math.min(...times)),
          to: day(Math.max(...times)),
          ...dollars(source.transfers),
          kinds: activityKinds(source),
        },
        narrative: writeNarrative(source, given.reporter),
      };
    case 'ctr':
      return {
        ...{ kind, filingDate, report: 'initial' },
        transactionDate: day(Math.max(...times)),
        persons: subjects.map((subject) => ({ ...partyOf(subject), part: 'self' })),
        details: [],
      };
    case 'goaml':
      return {
        kind,
        reportCode: source.transfers.length > 0 ? 'STR' : 'SAR',
        filingDate,
        reference: source.caseId,
        subjects,
        transactions: source.transfers.map((transfer, at) =>
          goamlTransaction(transfer, { at, isKnown: subjects.length > 0 }),
        ),
        indicators: [],
        narrative: writeNarrative(source, given.reporter),
      };
    default:
      return unreachable(kind);
  }
}

/**
 * Who, what, when, where, why and how, in plain sentences made of the case's facts. Addresses and
 * transaction ids are in it because a SAR has no element for them.
 */
export function writeNarrative(source: DraftSource, reporter: FilingReporter | null): string {
  const { transfers, alerts, subject } = source;
  const institution = reporter?.name ?? 'The reporting institution';
  const lines = [
    `WHO: ${who(source)} The report is made by ${institution}, which takes and makes payments in bitcoin.`,
    `WHAT: ${sentence(source.summary)} It is about ${subject.type} ${subject.id} (case ${source.caseId}).`,
    `WHEN: Detected on ${moment(source.detectedAtMs)}.${span(transfers)}`,
    `WHERE: On the Bitcoin network (${source.network}).`,
    ...transfers.slice(0, MAX_TOLD_TRANSFERS).map(told),
    ...more(transfers.length - MAX_TOLD_TRANSFERS, 'transfers'),
    ...finds(source),
    `WHY: ${alerts.length === 1 ? 'One rule' : `${alerts.length} alerts of rules`} of the monitoring program spoke.`,
    ...alerts
      .slice(0, MAX_TOLD_ALERTS)
      .map(
        ({ rule, source: from, severity, summary, raisedAtMs }) =>
          `On ${moment(raisedAtMs)} the rule "${rule}" (${from}, severity ${severity}) found: ${sentence(summary)}`,
      ),
    ...more(alerts.length - MAX_TOLD_ALERTS, 'alerts'),
    `HOW: ${how(transfers)}`,
  ];
  return lines.map(oneLine).join('\n');
}

function who({ person, subject, alsoKnown = [] }: DraftSource): string {
  if (person === null) {
    return `The person behind ${subject.type} ${subject.id} is not known to the institution.`;
  }
  const name = [person.firstName, person.middleName, person.name].filter(Boolean).join(' ');
  const born = person.birthDate === undefined ? '' : `, born ${person.birthDate}`;
  const kind = person.type === 'entity' ? 'an entity' : 'a person';
  const also = alsoKnown.length === 0 ? '' : ` Other addresses: ${alsoKnown.join('; ')}.`;
  return `The subject is ${name === '' ? 'not named' : name}${born}, ${kind}.${also}`;
}

function told({ way, txid, address, amountSats, fiat, atMs }: Transfer): string {
  const amount = `${formatBtc(amountSats)} BTC${fiat === null ? '' : ` (${money(fiat)})`}`;
  const transaction = txid === null ? 'without a transaction id' : `transaction ${txid}`;
  return way === 'in'
    ? `On ${moment(atMs)} ${amount} came in at the address ${address}, ${transaction}.`
    : `On ${moment(atMs)} ${amount} went out to ${address}, ${transaction}.`;
}

/** Addresses and transaction ids of the evidence that no transfer above names. */
function finds({ alerts, transfers }: DraftSource): string[] {
  const known = new Set(transfers.flatMap(({ txid, address }) => [txid, address]));
  const found = [...new Set(alerts.flatMap(({ facts }) => texts(facts)))].filter(
    (text) => !known.has(text) && (/^[0-9a-f]{64}$/.test(text) || ADDRESS.test(text)),
  );
  if (found.length === 0) return [];
  const named = found.slice(0, MAX_TOLD_FINDS).join(', ');
  const rest = found.length - MAX_TOLD_FINDS;
  return [
    `The evidence also names these addresses and transactions: ${named}.`,
    ...more(rest, 'addresses and transactions'),
  ];
}

/** What looks like a Bitcoin address: bech32 of any network, or base58 of the usual length. */
const ADDRESS = /^(?:(?:bc|tb|bcrt)1[0-9a-z]{8,87}|[123mn][1-9A-HJ-NP-Za-km-z]{25,34})$/;

function texts(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(texts);
}

function how(transfers: readonly Transfer[]): string {
  if (transfers.length === 0) return 'No transfer of bitcoin is recorded for the subject.';
  const sum = (way: Transfer['way']) =>
    transfers.reduce((total, one) => (one.way === way ? total + one.amountSats : total), 0n);
  const parts = [
    ...(sum('in') > 0n ? [`${formatBtc(sum('in'))} BTC came in`] : []),
    ...(sum('out') > 0n ? [`${formatBtc(sum('out'))} BTC went out`] : []),
  ];
  return `By transfers of bitcoin on chain: ${parts.join(' and ')} in ${transfers.length} transfers.`;
}

function span(transfers: readonly Transfer[]): string {
  const [first] = transfers;
  const last = transfers.at(-1);
  if (first === undefined || last === undefined) return '';
  return ` The transfers are of ${moment(first.atMs)} to ${moment(last.atMs)}.`;
}

function activityKinds({ alerts, summary }: DraftSource): { code: number }[] {
  const said = [summary, ...alerts.flatMap((alert) => [alert.rule, alert.summary])].join(' ');
  const codes = ACTIVITY_OF_RULE.filter(({ word }) => word.test(said)).map(({ code }) => code);
  return (codes.length === 0 ? [NO_PURPOSE] : codes).map((code) => ({ code }));
}

/** Known only where each transfer has a price in dollars of its own time. */
function dollars(transfers: readonly Transfer[]): { amountUsd?: string } {
  if (transfers.length === 0) return {};
  let total = 0n;
  for (const { fiat } of transfers) {
    if (fiat?.currency !== 'USD') return {};
    total += fiat.minor;
  }
  return { amountUsd: formatDecimal(total, 2) };
}

/** What both reports of FinCEN have of a person. */
function partyOf(subject: FilingSubject): Omit<CtrPerson, 'part'> {
  const { accounts: _, role: __, relationship: ___, ...party } = subject;
  return party;
}

/** What the subject did in the transfers: who sends money in is the sender. */
function roleOf(transfers: readonly Transfer[]): Pick<FilingSubject, 'role'> {
  const ways = new Set(transfers.map(({ way }) => way));
  if (ways.size === 0) return {};
  return { role: ways.size === 2 ? 'both' : ways.has('in') ? 'sender' : 'receiver' };
}

/** The subject pays in from a wallet that nobody knows, and is paid at the address of a payout. */
function goamlTransaction(transfer: Transfer, { at, isKnown }: { at: number; isKnown: boolean }) {
  const { way, txid, address, fiat, atMs, amountSats } = transfer;
  const amount = fiat === null ? '0' : formatDecimal(fiat.minor, decimalsOf(fiat.currency));
  const description = `${formatBtc(amountSats)} BTC, ${txid === null ? 'no transaction id' : txid}`;
  const subject = isKnown ? { subject: 0 } : {};
  const theirs = way === 'in' ? { wallet: 'unknown', ...subject } : { wallet: address, ...subject };
  const ours = { wallet: way === 'in' ? address : 'unknown' };
  return {
    number: `${at + 1}-${txid ?? 'none'}`,
    date: day(atMs),
    amount,
    description,
    from: way === 'in' ? theirs : ours,
    to: way === 'in' ? ours : theirs,
  };
}

function money({ currency, minor }: { currency: string; minor: bigint }): string {
  return `${formatDecimal(minor, decimalsOf(currency))} ${currency}`;
}

function decimalsOf(currency: string): number {
  return isCurrency(currency) ? currencyDecimals(currency) : 2;
}

function more(count: number, what: string): string[] {
  return count > 0 ? [`${count} more ${what} are in the case's evidence.`] : [];
}

function sentence(text: string): string {
  const line = oneLine(text);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
