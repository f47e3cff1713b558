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

/** Folds are asked for again and again; so many are kept, then forgotten together. */
const MAX_KEPT_FOLDS = 100_000;
const kept = new Map<string, string>();

/** @param text lower-case Latin letters and digits */
export function foldOf(text: string): string {
  const known = kept.get(text);
  if (known !== undefined) return known;
  if (kept.size >= MAX_KEPT_FOLDS) kept.clear();
  const fold = makeFold(text);
  kept.set(text, fold);
  return fold;
}

function makeFold(text: string): string {
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

const VOWELS = 'aeiouy';

/** Substitutions that ears and typists make more often than others, in the cost of an edit. */
const NEAR: Readonly<Record<string, number>> = {
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
  cz: 0.5,
  jz: 0.5,
  gh: 0.5,
};

/** Names are compared by the million: costs lie in tables by the codes of letters. */
const CODES = 128;
const SUBSTITUTION = new Float64Array(CODES * CODES).fill(1);
const OMISSION = new Float64Array(CODES).fill(1);
fillCosts();

function fillCosts(): void {
  const set = (a: string, b: string, cost: number) => {
    SUBSTITUTION[a.charCodeAt(0) * CODES + b.charCodeAt(0)] = cost;
  };
  for (const a of VOWELS) for (const b of VOWELS) set(a, b, 0.5);
  for (const [pair, cost] of Object.entries(NEAR)) {
    set(pair.charAt(0), pair.charAt(1), cost);
    set(pair.charAt(1), pair.charAt(0), cost);
  }
  for (let code = 0; code < CODES; code++) SUBSTITUTION[code * CODES + code] = 0;
  for (const vowel of VOWELS) OMISSION[vowel.charCodeAt(0)] = 0.7;
  OMISSION['h'.charCodeAt(0)] = 0.4;
}

/** Leaving out a letter: one of a pair costs least, h and vowels less than consonants. */
const DOUBLED = 0.25;
const TRANSPOSITION = 0.7;

/** Rows of the table of distances, used again by every call. */
const MAX_COMPARED = 64;
const rows = [0, 1, 2].map(() => new Float64Array(MAX_COMPARED + 1));

/**
 * Optimal string alignment distance with costs by sound, of lower-case Latin letters and digits.
 * @param limit beyond it the exact distance does not matter, and Infinity is given
 */
export function soundDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) * DOUBLED > limit) return Number.POSITIVE_INFINITY;
  if (a.length > MAX_COMPARED || b.length > MAX_COMPARED) return Number.POSITIVE_INFINITY;
  let [before, last, row] = rows as [Float64Array, Float64Array, Float64Array];
  last[0] = 0;
  for (let j = 1, y0 = 0; j <= b.length; j++) {
    const y = b.charCodeAt(j - 1) & 127;
    last[j] = (last[j - 1] ?? 0) + (y === y0 ? DOUBLED : (OMISSION[y] ?? 1));
    y0 = y;
  }
  for (let i = 1, x0 = 0; i <= a.length; i++) {
    const x = a.charCodeAt(i - 1) & 127;
    const without = x === x0 ? DOUBLED : (OMISSION[x] ?? 1);
    let least = (last[0] ?? 0) + without;
    row[0] = least;
    for (let j = 1, y0 = 0; j <= b.length; j++) {
      const y = b.charCodeAt(j - 1) & 127;
      let cost = (last[j - 1] ?? 0) + (SUBSTITUTION[x * CODES + y] ?? 1);
      const left = (last[j] ?? 0) + without;
      if (left < cost) cost = left;
      const right = (row[j - 1] ?? 0) + (y === y0 ? DOUBLED : (OMISSION[y] ?? 1));
      if (right < cost) cost = right;
      if (x === y0 && y === x0 && x !== y && i > 1 && j > 1) {
        const turned = (before[j - 2] ?? 0) + TRANSPOSITION;
        if (turned < cost) cost = turned;
      }
      row[j] = cost;
      if (cost < least) least = cost;
      y0 = y;
    }
    // A transposition reaches back two rows, and costs more than it can save here.
    if (least > limit + TRANSPOSITION) return Number.POSITIVE_INFINITY;
    [before, last, row] = [last, row, before];
    x0 = x;
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}
