/** Jaro's similarity with Winkler's bonus for a common beginning (prefix 4, weight 0.1). */
export function jaroWinkler(a: string, b: string): number {
  if (a === b) return 1;
  const range = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const used = new Uint8Array(b.length);
  const matched: string[] = [];
  for (let i = 0; i < a.length; i++) {
    const end = Math.min(b.length, i + range + 1);
    for (let j = Math.max(0, i - range); j < end; j++) {
      if (used[j] === 1 || a[i] !== b[j]) continue;
      used[j] = 1;
      matched.push(a.charAt(i));
      break;
    }
  }
  const count = matched.length;
  if (count === 0) return 0;
  let turned = 0;
  let at = 0;
  for (let j = 0; j < b.length; j++) if (used[j] === 1 && b[j] !== matched[at++]) turned++;
  const jaro = (count / a.length + count / b.length + (count - turned / 2) / count) / 3;
  let prefix = 0;
  while (prefix < Math.min(4, a.length, b.length) && a[prefix] === b[prefix]) prefix++;
  return jaro + prefix * 0.1 * (1 - jaro);
}

/** The average, over the parts of the shorter name, of the likeness of the best part of the other. */
export function tokenJaroWinkler(a: readonly string[], b: readonly string[]): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return 0;
  let sum = 0;
  for (const one of short) {
    let best = 0;
    for (const other of long) best = Math.max(best, jaroWinkler(one, other));
    sum += best;
  }
  return sum / short.length;
}
