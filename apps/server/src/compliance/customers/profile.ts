import type {
  CreateCustomer,
  CustomerKind,
  CustomerProfile,
  FindCustomers,
  UpdateCustomer,
} from '@quittance/contract';
import { AppError } from '../../platform/errors.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import type { CustomerKey, Vault } from './vault.ts';

/** By the letters that a name has most of (ISO 15924). */
const SCRIPTS: readonly [string, RegExp][] = [
  ['Latn', /\p{Script=Latin}/gu],
  ['Cyrl', /\p{Script=Cyrillic}/gu],
  ['Arab', /\p{Script=Arabic}/gu],
  ['Hani', /\p{Script=Han}/gu],
  ['Hang', /\p{Script=Hangul}/gu],
  ['Hira', /\p{Script=Hiragana}/gu],
  ['Kana', /\p{Script=Katakana}/gu],
  ['Grek', /\p{Script=Greek}/gu],
  ['Hebr', /\p{Script=Hebrew}/gu],
  ['Deva', /\p{Script=Devanagari}/gu],
  ['Thai', /\p{Script=Thai}/gu],
  ['Armn', /\p{Script=Armenian}/gu],
  ['Geor', /\p{Script=Georgian}/gu],
];

export function scriptOf(text: string): string {
  let best = { script: 'Zyyy', count: 0 };
  for (const [script, letters] of SCRIPTS) {
    const count = text.match(letters)?.length ?? 0;
    if (count > best.count) best = { script, count };
  }
  return best.script;
}

/** @throws {AppError} invalid_request where a person has what only an entity has, or the reverse */
export function profileOf(input: CreateCustomer): CustomerProfile {
  const { kind, names, ...rest } = input;
  const profile = { ...rest, names: names.map(withScript) };
  checkProfile(kind, profile);
  return profile;
}

export function changedProfile(
  kind: CustomerKind,
  before: CustomerProfile,
  { names, ...rest }: UpdateCustomer,
): CustomerProfile {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const after: CustomerProfile = {
    ...before,
    ...Object.fromEntries(given),
    ...(names === undefined ? {} : { names: names.map(withScript) }),
  };
  checkProfile(kind, after);
  return after;
}

function withScript(name: CreateCustomer['names'][number]): CustomerProfile['names'][number] {
  return { ...name, script: scriptOf(name.text) };
}

function checkProfile(kind: CustomerKind, profile: CustomerProfile): void {
  if (!profile.names.some((name) => name.kind === 'primary')) {
    throw refuse('/names', 'one of them has to be the primary one');
  }
  if (kind === 'person') {
    const wrong = (['registrationCountry', 'registrationDate', 'legalForm'] as const).find(
      (field) => profile[field] !== null,
    );
    if (wrong !== undefined) throw refuse(`/${wrong}`, 'is of entities, not of persons');
    return;
  }
  const wrong = (['birthDate', 'birthPlace', 'gender'] as const).find(
    (field) => profile[field] !== null,
  );
  if (wrong !== undefined) throw refuse(`/${wrong}`, 'is of persons, not of entities');
  if (profile.nationalities.length > 0) {
    throw refuse('/nationalities', 'are of persons, not of entities');
  }
}

function refuse(pointer: string, detail: string): AppError {
  return new AppError('invalid_request', `${pointer}: ${detail}.`, {
    fields: [{ pointer, detail }],
  });
}

export function sealProfile(key: CustomerKey, profile: CustomerProfile): Uint8Array {
  return key.seal(JSON.stringify(profile), 'profile');
}

export function openProfile(key: CustomerKey, sealed: Uint8Array): CustomerProfile {
  // Written by sealProfile, and nobody without the key can have changed it.
  return JSON.parse(key.open(sealed, 'profile')) as CustomerProfile;
}

/** What a verification proves: when one of these changes, it has to be done again. */
function identityOf(profile: CustomerProfile) {
  const { names, birthDate, birthPlace, gender, nationalities, identifiers } = profile;
  const { registrationCountry, registrationDate, legalForm } = profile;
  return {
    ...{ names, birthDate, birthPlace, gender, nationalities, identifiers },
    ...{ registrationCountry, registrationDate, legalForm },
  };
}

export function identityText(profile: CustomerProfile): string {
  return canonicalJson(identityOf(profile));
}

export function isMaterial(before: CustomerProfile, after: CustomerProfile): boolean {
  return identityText(before) !== identityText(after);
}

/** Countries that say something about risk. */
export function countriesOf(profile: CustomerProfile): string[] {
  const { nationalities, registrationCountry, addresses } = profile;
  const all = [
    ...nationalities,
    ...(registrationCountry === null ? [] : [registrationCountry]),
    ...addresses.map(({ country }) => country),
  ];
  return [...new Set(all)].sort();
}

/** A keyed digest, and how surely two customers who have it belong together: 0 is the surest. */
export type IndexEntry = { readonly digest: Uint8Array; readonly linkRank: number };

/**
 * All that a customer can be found by, as keyed digests: papers, then telephone and e-mail, the shop's
 * own reference, and a name with a birth date.
 */
export function indexOf(vault: Vault, profile: CustomerProfile): IndexEntry[] {
  const { identifiers, phone, email, reference, names, birthDate } = profile;
  const ranked = (linkRank: number) => (digest: Uint8Array) => ({ digest, linkRank });
  const entries = [
    ...identifiers.map((identifier) => byIdentifier(vault, identifier)).map(ranked(0)),
    ...(phone === null ? [] : [vault.blind('phone', phone)]).map(ranked(1)),
    ...(email === null ? [] : [byEmail(vault, email)]).map(ranked(1)),
    ...(reference === null ? [] : [byReference(vault, reference)]).map(ranked(2)),
    ...(birthDate === null ? [] : names.map(({ text }) => byPerson(vault, text, birthDate))).map(
      ranked(3),
    ),
  ];
  // Two names that differ only in the order of their words have one digest.
  const distinct = new Map(
    entries.toReversed().map((entry) => [Buffer.from(entry.digest).toString('hex'), entry]),
  );
  return [...distinct.values()];
}

/** The digest that a search looks for. */
export function wantedDigest(vault: Vault, wish: FindCustomers): Uint8Array {
  if (wish.reference !== undefined) return byReference(vault, wish.reference);
  if (wish.email !== undefined) return byEmail(vault, wish.email);
  if (wish.identifier !== undefined) return byIdentifier(vault, wish.identifier);
  if (wish.person !== undefined) return byPerson(vault, wish.person.name, wish.person.birthDate);
  throw new Error('the contract demands one wish');
}

function byReference(vault: Vault, reference: string): Uint8Array {
  return vault.blind('reference', reference.trim());
}

function byEmail(vault: Vault, email: string): Uint8Array {
  return vault.blind('email', email.toLowerCase());
}

function byIdentifier(
  vault: Vault,
  { type, country, value }: CustomerProfile['identifiers'][number],
): Uint8Array {
  const plain = value
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
  return vault.blind('identifier', `${type} ${country ?? '-'} ${plain}`);
}

/** Without accents, case and the order of the words, which people write as they like. */
function byPerson(vault: Vault, name: string, birthDate: string): Uint8Array {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  return vault.blind('person', `${birthDate} ${words.sort().join(' ')}`);
}
