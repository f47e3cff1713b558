import type { CustomerProfile, FilingAddress, FilingId, FilingSubject } from '@quittance/contract';
import type { KnownCustomer } from '../customers/index.ts';
import { oneLine } from './xml/text.ts';

/**
 * What a report says of a customer, out of its profile. Nothing is made up: what the profile has not
 * is left out, and `toDoOf` asks for it. Names come as one text; they are taken apart by what writers
 * mark (a comma, capitals), else the last word is the family name, which the list of what is to be
 * done asks a person to look at. Pure.
 */
export function subjectOfCustomer({ kind, profile }: KnownCustomer): FilingSubject {
  const said = chosenName(profile);
  const others = profile.names.map(({ text }) => oneLine(text)).filter((text) => text !== said);
  const name = said === undefined ? {} : kind === 'entity' ? { name: said } : partsOfName(said);
  const place = homeOf(profile);
  const ids = profile.identifiers.map((one) => idOf(one, kind));
  return {
    type: kind === 'entity' ? 'entity' : 'individual',
    ...name,
    ...(others.length === 0 ? {} : { otherNames: others }),
    ...(profile.birthDate === null ? {} : { birthDate: profile.birthDate }),
    ...(profile.gender === null ? {} : { gender: profile.gender }),
    ...(place === undefined ? {} : { address: addressOf(place) }),
    ...(profile.phone === null ? {} : { phones: [profile.phone] }),
    ...(profile.email === null ? {} : { emails: [profile.email] }),
    ...(ids.length === 0 ? {} : { ids }),
    // The number that the store itself has for the customer is its account there.
    ...(profile.reference === null ? {} : { accounts: [profile.reference] }),
    relationship: 'customer',
  };
}

/** The primary name if its letters are Latin, else another one that is: authorities take no others. */
function chosenName({ names }: CustomerProfile): string | undefined {
  const inOrder = [
    ...names.filter(({ kind }) => kind === 'primary'),
    ...names.filter(({ kind }) => kind === 'alias' || kind === 'original'),
  ];
  const latin = inOrder.find(({ script }) => script === 'Latn');
  return latin === undefined ? undefined : oneLine(latin.text);
}

/** Words that belong to the family name after them: "van der Berg", "de la Cruz", "bin Laden". */
const PARTICLE =
  /^(?:van|von|der|den|de|del|della|di|da|do|dos|du|la|le|bin|bint|ibn|al|el|zu|ter)$/;
const isCapitals = (word: string) => /\p{Lu}{2}/u.test(word) && !/\p{Ll}/u.test(word);

/** A person's name in the parts that reports have. */
export function partsOfName(
  text: string,
): Pick<FilingSubject, 'name' | 'firstName' | 'middleName'> {
  const [before = '', after] = text.split(/,\s*/, 2);
  if (after !== undefined && after !== '') return { name: before, ...givenNames(words(after)) };
  const all = words(text);
  const capitals = all.filter(isCapitals);
  if (capitals.length > 0 && capitals.length < all.length) {
    return { name: capitals.join(' '), ...givenNames(all.filter((word) => !isCapitals(word))) };
  }
  let from = all.length - 1;
  while (from > 1 && PARTICLE.test(all[from - 1] ?? '')) from--;
  if (from < 1) return { name: text };
  return { name: all.slice(from).join(' '), ...givenNames(all.slice(0, from)) };
}

function givenNames([first, ...more]: readonly string[]) {
  return {
    ...(first === undefined ? {} : { firstName: first }),
    ...(more.length === 0 ? {} : { middleName: more.join(' ') }),
  };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

type ProfileAddress = CustomerProfile['addresses'][number];

/** Where somebody lives or is registered, before where letters go. */
function homeOf({ addresses }: CustomerProfile): ProfileAddress | undefined {
  for (const kind of ['residence', 'registered', 'business', 'postal'] as const) {
    const found = addresses.find((one) => one.kind === kind);
    if (found !== undefined) return found;
  }
  return undefined;
}

function addressOf({ lines, city, region, postalCode, country }: ProfileAddress): FilingAddress {
  return {
    street: lines.map(oneLine).join(', '),
    ...(city === null ? {} : { city }),
    ...(region === null ? {} : { state: region }),
    ...(postalCode === null ? {} : { postCode: postalCode }),
    country,
  };
}

/** Other addresses than the one a report has room for, in words for its narrative. */
export function otherAddresses({ profile }: KnownCustomer): string[] {
  const home = homeOf(profile);
  return profile.addresses
    .filter((one) => one !== home)
    .map(({ kind, lines, postalCode, city, region, country }) => {
      const parts = [...lines, postalCode, city, region, country];
      return `${kind}: ${parts.filter((part) => part !== null && part !== '').join(', ')}`;
    });
}

const OTHER_PAPERS: Readonly<Record<string, string>> = {
  national_id: 'National identity card',
  residence_permit: 'Residence permit',
  registration_number: 'Registration number',
  lei: 'LEI',
  other: 'Other',
};

function idOf(
  { type, country, value }: CustomerProfile['identifiers'][number],
  kind: KnownCustomer['kind'],
): FilingId {
  const issued = country === null ? {} : { country };
  const number = value;
  switch (type) {
    case 'passport':
      return { kind: 'passport', number, ...issued };
    case 'driving_licence':
      return { kind: 'drivers_license', number, ...issued };
    case 'tax_id':
      if (country !== 'US') return { kind: 'foreign_tin', number, ...issued };
      return { kind: kind === 'entity' ? 'ein' : 'ssn_itin', number };
    case 'residence_permit':
      if (country === 'US') return { kind: 'alien_registration', number, ...issued };
      return { kind: 'other', otherKind: OTHER_PAPERS[type] ?? type, number, ...issued };
    default:
      return { kind: 'other', otherKind: OTHER_PAPERS[type] ?? type, number, ...issued };
  }
}
