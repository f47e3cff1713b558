/**
 * Folds spellings of one sound together, across the habits of English, German, French, Slavic and
 * Arabic transcription. Not a phonetic alphabet: what it makes equal is still graded below identity.
 */
const FOLDS: readonly [RegExp, string][] = [
  // Pinyin's x, and the endings that Baltic languages give to Slavic names.
  [/^x(?=i|u)/, 'sh'],
  [/(?<=ov|ev|ej|ij)s$/, ''],
  [/schtsch|shch/g, 'sh'],
  [/tsch|tch/g, 'c'],
  [/sch/g, 'sh'],
  [/kh|gh/g, 'h'],
  [/zh|dzh|dj|dsh/g, 'j'],
  [/ph/g, 'f'],
  [/th/g, 't'],
  [/dh/g, 'd'],
  [/ck|q|cq/g, 'k'],
  [/ch/g, 'c'],
  [/x/g, 'ks'],
  [/tz|ts/g, 'z'],
  [/w/g, 'v'],
  [/c(?=[aouklrt]|$)/g, 'k'],
  [/ou|oo/g, 'u'],
  [/ee|ie|ei|ey|ij|iy|yi|yy|ii|ej|y/g, 'i'],
  [/(?<=.)j$/, 'i'],
  [/(.)\1+/g, '$1'],
  [/(?<=[a-z])h$/, ''],
];

/** @param text lower-case Latin letters and digits */
export function foldOf(text: string): string {
  if (text.length < 3) return text === 'xi' ? 'shi' : text;
  let fold = text;
  for (const [pattern, by] of FOLDS) fold = fold.replace(pattern, by);
  return fold;
}

/** Consonants only, near ones together. */
export function bonesOf(fold: string): string {
  return fold
    .replace(/[aeiouyvh]/g, '')
    .replace(/[dt]/g, 't')
    .replace(/[bp]/g, 'p')
    .replace(/[gkcj]/g, 'k')
    .replace(/[sz]/g, 's')
    .replace(/[lr]/g, 'l')
    .replace(/n(?=[kp])/g, 'n')
    .replace(/(.)\1+/g, '$1');
}

const VOWELS = new Set('aeiouy');

/** Substitutions that ears and typists make more often than others, in the cost of an edit. */
const NEAR = new Map<string, Map<string, number>>();
function near(a: string, b: string, cost: number): void {
  NEAR.set(a, (NEAR.get(a) ?? new Map<string, number>()).set(b, cost));
}
for (const [pair, cost] of Object.entries({
  bp: 0.5,
  dt: 0.45,
  gk: 0.5,
  sz: 0.4,
  vw: 0.2,
  bv: 0.6,
  fv: 0.5,
  ck: 0.3,
  cs: 0.5,
  iy: 0.2,
  ij: 0.4,
  jy: 0.3,
  kq: 0.2,
  mn: 0.6,
  gj: 0.5,
  hk: 0.6,
  sx: 0.6,
  xs: 0.6,
  cz: 0.5,
  jz: 0.5,
  gh: 0.5,
})) {
  near(pair.charAt(0), pair.charAt(1), cost);
  near(pair.charAt(1), pair.charAt(0), cost);
}

function substitution(a: string, b: string): number {
  if (a === b) return 0;
  const cost = NEAR.get(a)?.get(b);
  if (cost !== undefined) return cost;
  return VOWELS.has(a) && VOWELS.has(b) ? 0.5 : 1;
}

/** Leaving out a letter: one of a pair costs least, h and vowels less than consonants. */
function omission(letter: string, before: string): number {
  if (letter === before) return 0.25;
  if (letter === 'h') return 0.4;
  return VOWELS.has(letter) ? 0.7 : 1;
}

const TRANSPOSITION = 0.7;

/** Rows of the table of distances, used again by every call: names are compared by the million. */
const MAX_COMPARED = 64;
const rows = [0, 1, 2].map(() => new Float64Array(MAX_COMPARED + 1));

/**
 * Optimal string alignment distance with costs by sound.
 * @param limit beyond it the exact distance does not matter, and Infinity is given
 */
export function soundDistance(a: string, b: string, limit: number): number {
  // No letter is left out for less than a quarter.
  if (Math.abs(a.length - b.length) * 0.25 > limit) return Number.POSITIVE_INFINITY;
  if (a.length > MAX_COMPARED || b.length > MAX_COMPARED) return Number.POSITIVE_INFINITY;
  let [before, last, row] = rows as [Float64Array, Float64Array, Float64Array];
  last[0] = 0;
  for (let j = 1; j <= b.length; j++) {
    last[j] = (last[j - 1] ?? 0) + omission(b.charAt(j - 1), b.charAt(j - 2));
  }
  for (let i = 1; i <= a.length; i++) {
    const x = a.charAt(i - 1);
    const without = omission(x, a.charAt(i - 2));
    let least = (last[0] ?? 0) + without;
    row[0] = least;
    for (let j = 1; j <= b.length; j++) {
      const y = b.charAt(j - 1);
      let cost = (last[j - 1] ?? 0) + substitution(x, y);
      cost = Math.min(cost, (last[j] ?? 0) + without);
      cost = Math.min(cost, (row[j - 1] ?? 0) + omission(y, b.charAt(j - 2)));
      if (i > 1 && j > 1 && x !== y && x === b.charAt(j - 2) && y === a.charAt(i - 2)) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + TRANSPOSITION);
      }
      row[j] = cost;
      if (cost < least) least = cost;
    }
    // A transposition reaches back two rows, and costs more than it can save here.
    if (least > limit + TRANSPOSITION) return Number.POSITIVE_INFINITY;
    [before, last, row] = [last, row, before];
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}
