import type { CtrDetailKind, CtrPerson, FilingIdKind, FilingReporter } from '@quittance/contract';

/** Codes of FinCEN's batch schemas, SAR and CTR version 1.2 (17 December 2021). */
export const PARTY = {
  transmitter: '35',
  transmitterContact: '37',
  filer: '30',
  contactOffice: '8',
  subject: '33',
  location: '34',
  branch: '46',
  accountInstitution: '41',
} as const;

export const CTR_PART: Readonly<Record<CtrPerson['part'], string>> = {
  self: '50',
  for_another: '17',
  on_behalf_of: '23',
  common_carrier: '58',
};

export const ID_KIND: Readonly<Record<FilingIdKind, string>> = {
  ssn_itin: '1',
  ein: '2',
  drivers_license: '5',
  passport: '6',
  alien_registration: '7',
  foreign_tin: '9',
  other: '999',
};
/** Tax numbers; the others are papers that a person shows. */
export const TAX_KINDS: ReadonlySet<FilingIdKind> = new Set(['ssn_itin', 'ein', 'foreign_tin']);
export const TIN_OF_ANY_KIND = '4';
export const TRANSMITTER_CONTROL_CODE = '28';

/** A SAR has 99 for none; a CTR has no such code, and 14 for unknown. */
export const REGULATOR: Readonly<Record<FilingReporter['regulator'], string>> = {
  federal_reserve: '1',
  fdic: '2',
  ncua: '3',
  occ: '4',
  sec: '6',
  irs: '7',
  cftc: '9',
  none: '99',
};
export const CTR_UNKNOWN_REGULATOR = '14';

export const INSTITUTION: Readonly<Record<FilingReporter['institution'], string>> = {
  casino: '1',
  depository: '2',
  msb: '4',
  securities: '5',
  other: '999',
};

/** What a CTR's detail is, and which way the cash goes; foreign money is in neither total. */
export const CTR_DETAIL: Readonly<
  Record<CtrDetailKind, { code: string; way: 'in' | 'out' | 'foreign' }>
> = {
  deposit: { code: '55', way: 'in' },
  payment: { code: '46', way: 'in' },
  wire_out: { code: '23', way: 'in' },
  instrument_purchase: { code: '12', way: 'in' },
  exchange_in: { code: '14', way: 'in' },
  prepaid_in: { code: '49', way: 'in' },
  other_in: { code: '997', way: 'in' },
  foreign_in: { code: '53', way: 'foreign' },
  withdrawal: { code: '56', way: 'out' },
  advance: { code: '30', way: 'out' },
  wire_in: { code: '32', way: 'out' },
  instrument_cashed: { code: '13', way: 'out' },
  exchange_out: { code: '15', way: 'out' },
  prepaid_out: { code: '48', way: 'out' },
  other_out: { code: '998', way: 'out' },
  foreign_out: { code: '54', way: 'foreign' },
};

/** Kinds of suspicious activity: the group that each code belongs to. */
const ACTIVITY_GROUPS: Readonly<Record<string, readonly number[]>> = {
  1: [106, 111, 112, 113, 114, 1999],
  3: [301, 304, 305, 308, 309, 310, 312, 320, 321, 322, 323, 324, 325, 3999],
  4: [401, 402, 403, 404, 405, 409, 4999],
  5: [501, 502, 504, 505, 506, 507, 5999],
  6: [601, 603, 604, 608, 609, 6999],
  7: [701, 7999],
  8: [801, 804, 805, 806, 807, 808, 809, 812, 820, 821, 822, 823, 824, 8999],
  9: [
    901, 903, 904, 905, 907, 908, 909, 910, 911, 913, 917, 920, 921, 922, 924, 925, 926, 927, 928,
    9999,
  ],
  10: [1001, 1003, 1005, 1006, 1007, 10999],
  11: [1101, 1102, 11999],
  12: [1201, 1202, 1203, 1204, 12999],
};

/** Each code of a kind of activity, and the group that is filed with it. */
export const ACTIVITY_GROUP: ReadonlyMap<number, string> = new Map(
  Object.entries(ACTIVITY_GROUPS).flatMap(([group, codes]) =>
    codes.map((code) => [code, group] as const),
  ),
);

/** The codes for "other", which need a text. */
export function isOtherActivity(code: number): boolean {
  return code % 1_000 === 999;
}

/** Countries whose addresses have a state by code. */
export const COUNTRIES_WITH_STATES: ReadonlySet<string> = new Set(['US', 'CA', 'MX']);
