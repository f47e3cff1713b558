import type { CtrPerson, FilingFacts, FilingSubject, FilingToDoItem } from '@quittance/contract';
import type { FilingReporter } from '@quittance/contract';
import { buildFiling } from './build.ts';

/**
 * What is left to do before a report is filed: `needed` is what `prepare` refuses it for, the rest is
 * filed as unknown unless somebody finds it out, or was done by a rule and is for a person to check.
 * Pure.
 */
export function toDoOf(facts: FilingFacts, reporter: FilingReporter | null): FilingToDoItem[] {
  const needed =
    reporter === null
      ? [{ pointer: '/reporter', detail: 'say who files: PUT /v1/compliance/filing-reporter' }]
      : neededOf(facts, reporter);
  const told = new Set(needed.map(({ pointer }) => pointer));
  return [
    ...needed.map((one) => ({ ...one, needed: true })),
    ...unknowns(facts)
      .filter(({ pointer }) => !told.has(pointer))
      .map((one) => ({ ...one, needed: false })),
  ];
}

function neededOf(facts: FilingFacts, reporter: FilingReporter): Item[] {
  const built = buildFiling(facts, reporter);
  return built.ok ? [] : [...built.findings];
}

type Item = { pointer: string; detail: string };

function unknowns(facts: FilingFacts): Item[] {
  const parties = facts.kind === 'ctr' ? facts.persons : facts.subjects;
  const root = facts.kind === 'ctr' ? '/persons' : '/subjects';
  const items = parties.flatMap((party, at) => unknownOf(party, `${root}/${at}`));
  if (parties.length === 0) {
    items.push({
      pointer: root,
      detail: 'nobody is named: write who it is about, or that nobody is known',
    });
  }
  if (facts.kind === 'sar') return [...items, ...unknownActivity(facts)];
  if (facts.kind === 'ctr') return items;
  return [
    ...items,
    ...facts.transactions.flatMap(({ amount, from, to }, at) => [
      ...(/^0*(?:\.0*)?$/.test(amount)
        ? [{ pointer: `/transactions/${at}/amount`, detail: 'its worth is not known: write it' }]
        : []),
      ...([from, to].some((side) => side.subject !== undefined)
        ? []
        : [{ pointer: `/transactions/${at}`, detail: 'no side of it is one of the subjects' }]),
    ]),
  ];
}

function unknownActivity({ activity }: Extract<FilingFacts, { kind: 'sar' }>): Item[] {
  return [
    ...(activity.amountUsd === undefined
      ? [
          {
            pointer: '/activity/amountUsd',
            detail: 'is filed as unknown: write the sum in dollars',
          },
        ]
      : []),
    ...(activity.kinds.some(({ code }) => code === NO_PURPOSE)
      ? [{ pointer: '/activity/kinds', detail: 'no rule says what kind it is: choose' }]
      : []),
  ];
}

/** FinCEN's code for "no apparent purpose": what a draft has where no rule says more. */
const NO_PURPOSE = 925;

function unknownOf(party: FilingSubject | CtrPerson, pointer: string): Item[] {
  const absent = (field: string, isAbsent: boolean, detail: string): Item[] =>
    isAbsent ? [{ pointer: `${pointer}/${field}`, detail }] : [];
  const unknown = 'is filed as unknown';
  if (party.type === 'unknown')
    return absent('type', true, 'nobody is known: say who it is if you can');
  const isPerson = party.type === 'individual';
  const { address, ids = [] } = party;
  const hasParts = party.firstName !== undefined && party.name !== undefined;
  return [
    ...absent('name', party.name === undefined, `${unknown}: write it in Latin letters`),
    ...absent('firstName', isPerson && party.firstName === undefined, unknown),
    ...absent('name', isPerson && hasParts, 'check which words are the family name'),
    ...absent('birthDate', isPerson && party.birthDate === undefined, unknown),
    ...absent('address', address === undefined, unknown),
    ...(['street', 'city', 'postCode', 'country'] as const).flatMap((part) =>
      absent(`address/${part}`, address !== undefined && address[part] === undefined, unknown),
    ),
    ...absent('ids', ids.length === 0, `${unknown}: no paper and no tax number`),
    ...absent('occupation', party.occupation === undefined, unknown),
  ];
}
