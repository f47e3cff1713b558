/**
 * Writes a JSON value so that equal values give equal text: names sorted, no white space
 * (the idea of RFC 8785; numbers are written as JSON.stringify does).
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  let parts = '';
  // By UTF-16 code units, which is how texts compare.
  for (const name of Object.keys(value).sort()) {
    const item: unknown = Reflect.get(value, name);
    if (item === undefined) continue;
    if (parts !== '') parts += ',';
    parts += `${JSON.stringify(name)}:${canonicalJson(item)}`;
  }
  return `{${parts}}`;
}
