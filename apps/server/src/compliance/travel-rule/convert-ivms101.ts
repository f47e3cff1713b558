import type { Ivms101, IvmsPerson } from '@quittance/contract';

export type IvmsVersion = '2020' | '2023';
/** How a message of 2023 says so. */
const VERSION_2023 = '101.2023';

/** Which form a message has: by what it says of itself, else by the names of its parts. */
export function ivmsVersion({ payloadMetadata, originator }: Ivms101): IvmsVersion {
  if (payloadMetadata?.payloadVersion === VERSION_2023) return '2023';
  return originator.originatorPersons === undefined ? '2023' : '2020';
}

/**
 * The same message in the other form. Nothing is lost: there and back it is the same again. (The npm
 * library `ivms101` loses account numbers and customer identifications on this way.)
 */
export function convertIvms101(message: Ivms101, to: IvmsVersion): Ivms101 {
  if (ivmsVersion(message) === to) return message;
  const person = (each: IvmsPerson) => convertPerson(each, to);
  const { originator, beneficiary, originatingVASP, beneficiaryVASP, transferPath } = message;
  return {
    ...message,
    originator: rename(originator, ['originatorPersons', 'originatorPerson'], { to, person }),
    beneficiary: rename(beneficiary, ['beneficiaryPersons', 'beneficiaryPerson'], { to, person }),
    ...(originatingVASP && {
      originatingVASP: {
        ...originatingVASP,
        originatingVASP: person(originatingVASP.originatingVASP),
      },
    }),
    ...(beneficiaryVASP?.beneficiaryVASP && {
      beneficiaryVASP: {
        ...beneficiaryVASP,
        beneficiaryVASP: person(beneficiaryVASP.beneficiaryVASP),
      },
    }),
    ...(transferPath && {
      transferPath: {
        ...transferPath,
        transferPath: transferPath.transferPath.map((step) => ({
          ...step,
          intermediaryVASP: person(step.intermediaryVASP),
        })),
      },
    }),
    ...metadataOf(message, to),
  };
}

/** The list of persons under its other name, in its place. */
function rename<Part extends object>(
  side: Part,
  [old, young]: readonly [string, string],
  { to, person }: { to: IvmsVersion; person: (each: IvmsPerson) => IvmsPerson },
): Part {
  const [from, into] = to === '2023' ? [old, young] : [young, old];
  const entries = Object.entries(side).map(([name, value]) =>
    name === from && Array.isArray(value)
      ? [into, value.map((each) => person(each as IvmsPerson))]
      : [name, value],
  );
  return Object.fromEntries(entries) as Part;
}

function metadataOf(
  { payloadMetadata }: Ivms101,
  to: IvmsVersion,
): Pick<Ivms101, 'payloadMetadata'> {
  if (to === '2023')
    return { payloadMetadata: { ...payloadMetadata, payloadVersion: VERSION_2023 } };
  const { payloadVersion: _, ...rest } = payloadMetadata ?? {};
  return { payloadMetadata: Object.keys(rest).length === 0 ? undefined : rest };
}

/** Names of 2020 and of 2023 for the same thing. */
const NATURAL_NAME = ['nameIdentifierType', 'naturalPersonNameIdentifierType'] as const;
const LEGAL_CUSTOMER = ['customerNumber', 'customerIdentification'] as const;

function convertPerson(person: IvmsPerson, to: IvmsVersion): IvmsPerson {
  const { naturalPerson, legalPerson } = person;
  return {
    ...person,
    ...(naturalPerson && {
      naturalPerson: {
        ...naturalPerson,
        name: {
          ...naturalPerson.name,
          // The names in local script keep their type's name in both forms.
          nameIdentifier: naturalPerson.name.nameIdentifier.map((name) =>
            swap(name, NATURAL_NAME, to),
          ),
        },
      },
    }),
    ...(legalPerson && { legalPerson: swap(legalPerson, LEGAL_CUSTOMER, to) }),
  };
}

function swap<Part extends object>(
  part: Part,
  [old, young]: readonly [string, string],
  to: IvmsVersion,
): Part {
  const [from, into] = to === '2023' ? [old, young] : [young, old];
  // With both names there, which is which could not be told on the way back.
  if (Object.hasOwn(part, into)) return part;
  const entries = Object.entries(part).map(([name, value]) => [name === from ? into : name, value]);
  return Object.fromEntries(entries) as Part;
}
