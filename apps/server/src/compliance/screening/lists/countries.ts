/** What lists call countries where the runtime's own English names differ. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'bosnia and herzegovina': 'ba',
  burma: 'mm',
  'cabo verde': 'cv',
  'congo, democratic republic of the': 'cd',
  'congo, republic of the': 'cg',
  'czech republic': 'cz',
  "cote d'ivoire": 'ci',
  'democratic peoples republic of korea': 'kp',
  "democratic people's republic of korea": 'kp',
  'democratic republic of the congo': 'cd',
  'gambia, the': 'gm',
  'hong kong': 'hk',
  'iran (islamic republic of)': 'ir',
  'iran, islamic republic of': 'ir',
  'ivory coast': 'ci',
  'korea, north': 'kp',
  'korea, south': 'kr',
  'lao peoples democratic republic': 'la',
  macau: 'mo',
  'macedonia, the former yugoslav republic of': 'mk',
  'moldova, republic of': 'md',
  myanmar: 'mm',
  palestinian: 'ps',
  palestine: 'ps',
  'republic of korea': 'kr',
  'russian federation': 'ru',
  'china, hong kong special administrative region': 'hk',
  'china, macao special administrative region': 'mo',
  congo: 'cg',
  'saint kitts and nevis': 'kn',
  'saint lucia': 'lc',
  'saint vincent and the grenadines': 'vc',
  'state of palestine': 'ps',
  'st. vincent and the grenadines': 'vc',
  swaziland: 'sz',
  'syrian arab republic': 'sy',
  'the gambia': 'gm',
  turkiye: 'tr',
  turkey: 'tr',
  'united kingdom of great britain and northern ireland': 'gb',
  'united republic of tanzania': 'tz',
  'united states of america': 'us',
  usa: 'us',
  uk: 'gb',
  'venezuela (bolivarian republic of)': 've',
  'viet nam': 'vn',
  'virgin islands, british': 'vg',
  'virgin islands, u.s.': 'vi',
  'west bank': 'ps',
  gaza: 'ps',
};

let names: ReadonlyMap<string, string> | undefined;

/** @returns ISO 3166-1 alpha-2 in lower case, or null for what is no country that we know */
export function countryCode(text: string): string | null {
  names ??= allNames();
  const plain = plainName(text);
  return names.get(plain) ?? null;
}

function allNames(): Map<string, string> {
  const all = new Map<string, string>();
  const display = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  for (const first of letters) {
    for (const second of letters) {
      const code = first + second;
      const name = display.of(code);
      // The runtime also knows codes that are no countries: unknown region, the European Union.
      if (name === undefined || ['ZZ', 'EU', 'EZ', 'UN', 'QO', 'XA', 'XB'].includes(code)) continue;
      // A withdrawn code (CS, YU, VD, YD, BU) has the name of what came after it and counts as that:
      // else "Serbia" of one list and "rs" of a customer would contradict each other.
      const current = currentCode(code);
      all.set(code.toLowerCase(), current);
      all.set(plainName(name), current);
    }
  }
  for (const [name, code] of Object.entries(OTHER_NAMES)) all.set(plainName(name), code);
  return all;
}

/** What ISO 3166 has today for a code, after the CLDR's list of aliases that the runtime brings. */
function currentCode(code: string): string {
  const [canonical = ''] = Intl.getCanonicalLocales(`und-${code}`);
  return canonical.slice('und-'.length).toLowerCase();
}

function plainName(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/&/g, 'and')
    .replace(/[’'.]/g, '')
    .trim();
}
