import {
  type Ivms101,
  type IvmsAddress,
  type IvmsPerson,
  ivms101Schema,
} from '@quittance/contract';
import { convertIvms101 } from './convert-ivms101.ts';

/** One thing that is wrong with a message, where it is and which rule of the standard says so. */
export type IvmsFinding = { readonly pointer: string; readonly detail: string };

export type VerifiedIvms101 =
  | { readonly ok: true; readonly message: Ivms101 }
  | { readonly ok: false; readonly findings: readonly IvmsFinding[] };

/** More are told when these are done. */
const MAX_FINDINGS = 50;

/**
 * Reads a message of either form and holds it against the standard's own rules (IVMS101 §7, C1 to
 * C12). What is not known is kept.
 * @param now as YYYY-MM-DD: nobody is born after today
 */
export function verifyIvms101(value: unknown, now: string): VerifiedIvms101 {
  const parsed = ivms101Schema.safeParse(value);
  if (!parsed.success) {
    const findings = parsed.error.issues.map(({ path, message }) => ({
      pointer: `/${path.map(String).join('/')}`,
      detail: message,
    }));
    return { ok: false, findings: findings.slice(0, MAX_FINDINGS) };
  }
  const findings: IvmsFinding[] = [];
  const message = parsed.data;
  const { originator, beneficiary, transferPath } = convertIvms101(message, '2020');
  const tell = (pointer: string, detail: string) => void findings.push({ pointer, detail });
  const originators = originator.originatorPersons ?? [];
  const beneficiaries = beneficiary.beneficiaryPersons ?? [];
  if (originators.length === 0) tell('/originator', 'names nobody');
  if (beneficiaries.length === 0) tell('/beneficiary', 'names nobody');
  originators.forEach((person, at) => {
    verifyPerson(person, { at: `/originator/originatorPersons/${at}`, now, tell });
    verifyOriginator(person, { at: `/originator/originatorPersons/${at}`, tell });
  });
  beneficiaries.forEach((person, at) =>
    verifyPerson(person, { at: `/beneficiary/beneficiaryPersons/${at}`, now, tell }),
  );
  const vasps = [
    ['/originatingVASP/originatingVASP', message.originatingVASP?.originatingVASP],
    ['/beneficiaryVASP/beneficiaryVASP', message.beneficiaryVASP?.beneficiaryVASP],
  ] as const;
  for (const [at, vasp] of vasps) if (vasp !== undefined) verifyPerson(vasp, { at, now, tell });
  transferPath?.transferPath.forEach(({ intermediaryVASP, sequence }, at) => {
    verifyPerson(intermediaryVASP, { at: `/transferPath/transferPath/${at}`, now, tell });
    if (Number(sequence) !== at)
      tell(`/transferPath/transferPath/${at}/sequence`, `must be ${at} (C12)`);
  });
  if (findings.length > 0) return { ok: false, findings: findings.slice(0, MAX_FINDINGS) };
  return { ok: true, message };
}

type Where = { at: string; tell(pointer: string, detail: string): void };

function verifyPerson(
  { naturalPerson, legalPerson }: IvmsPerson,
  { at, now, tell }: Where & { now: string },
): void {
  if ((naturalPerson === undefined) === (legalPerson === undefined)) {
    tell(at, 'is either a natural or a legal person');
  }
  if (naturalPerson !== undefined) {
    const names = naturalPerson.name.nameIdentifier;
    const type = (name: (typeof names)[number]) =>
      name.nameIdentifierType ?? name.naturalPersonNameIdentifierType;
    if (!names.some((name) => type(name) === 'LEGL')) {
      tell(`${at}/naturalPerson/name`, 'a legal name (LEGL) is missing (C1)');
    }
    const born = naturalPerson.dateAndPlaceOfBirth?.dateOfBirth;
    if (born !== undefined && (born > now || Number.isNaN(Date.parse(born)))) {
      tell(`${at}/naturalPerson/dateAndPlaceOfBirth/dateOfBirth`, 'must be in the past (C2)');
    }
    verifyAddresses(naturalPerson.geographicAddress, { at: `${at}/naturalPerson`, tell });
    const id = naturalPerson.nationalIdentification;
    if (id?.nationalIdentifierType === 'LEIX' || id?.nationalIdentifierType === 'RAID') {
      tell(`${at}/naturalPerson/nationalIdentification`, 'this kind is for legal persons (C6)');
    }
  }
  if (legalPerson !== undefined) {
    const names = legalPerson.name.nameIdentifier;
    if (!names.some(({ legalPersonNameIdentifierType: type }) => type === 'LEGL')) {
      tell(`${at}/legalPerson/name`, 'a legal name (LEGL) is missing (C5)');
    }
    verifyAddresses(legalPerson.geographicAddress, { at: `${at}/legalPerson`, tell });
    verifyLegalId(legalPerson.nationalIdentification, { at: `${at}/legalPerson`, tell });
  }
}

function verifyOriginator({ naturalPerson, legalPerson }: IvmsPerson, { at, tell }: Where): void {
  if (naturalPerson !== undefined) {
    const { geographicAddress, customerIdentification, nationalIdentification } = naturalPerson;
    const some = [
      customerIdentification,
      nationalIdentification,
      naturalPerson.dateAndPlaceOfBirth,
    ];
    if ((geographicAddress ?? []).length === 0 && some.every((one) => one === undefined)) {
      tell(`${at}/naturalPerson`, 'an address, an identification or the birth is missing (C3)');
    }
  }
  if (legalPerson !== undefined) {
    const { geographicAddress, customerNumber, customerIdentification } = legalPerson;
    const some = [customerNumber, customerIdentification, legalPerson.nationalIdentification];
    if ((geographicAddress ?? []).length === 0 && some.every((one) => one === undefined)) {
      tell(`${at}/legalPerson`, 'an address or an identification is missing (C4)');
    }
  }
}

function verifyAddresses(addresses: readonly IvmsAddress[] | undefined, { at, tell }: Where): void {
  (addresses ?? []).forEach((address, index) => {
    const { addressLine, streetName, buildingName, buildingNumber } = address;
    const hasStreet = streetName !== undefined && (buildingName ?? buildingNumber) !== undefined;
    if (!hasStreet && (addressLine ?? []).length === 0) {
      tell(`${at}/geographicAddress/${index}`, 'needs lines, or a street with a building (C8)');
    }
  });
}

const LEGAL_ID_KINDS: readonly string[] = ['RAID', 'MISC', 'LEIX', 'TXID'];

function verifyLegalId(
  id: NonNullable<IvmsPerson['legalPerson']>['nationalIdentification'],
  { at, tell }: Where,
): void {
  if (id === undefined) return;
  const pointer = `${at}/nationalIdentification`;
  const { nationalIdentifierType: kind, registrationAuthority, countryOfIssue } = id;
  if (!LEGAL_ID_KINDS.includes(kind)) tell(pointer, 'this kind is for natural persons (C7)');
  if (kind === 'LEIX') {
    if (!isLei(id.nationalIdentifier)) tell(`${pointer}/nationalIdentifier`, 'is no LEI (C11)');
    if (registrationAuthority !== undefined) tell(pointer, 'a LEI has no other authority (C9)');
  } else if (registrationAuthority === undefined) {
    tell(pointer, 'registrationAuthority is missing (C9)');
  }
  if (countryOfIssue !== undefined) tell(pointer, 'countryOfIssue is for natural persons (C9)');
}

/** ISO 17442: 18 letters and digits and two check digits (ISO 7064, MOD 97-10). */
export function isLei(text: string): boolean {
  if (!/^[0-9A-Z]{18}[0-9]{2}$/.test(text)) return false;
  const digits = [...text].map((character) => parseInt(character, 36).toString()).join('');
  return BigInt(digits) % 97n === 1n;
}
