import type { Dice } from './random.ts';
import { type Document, resolve, type Schema } from './schema.ts';

/** Text that has broken programs before: injection, encodings, lengths, look-alikes. */
export const NASTY_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\u202e\u2066',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e999',
  '0x10',
  '٣٤',
  '１２',
  '1,5',
  '1.',
  '.5',
  '-1',
  '+1',
  ' 1',
  '00',
  '1'.repeat(41),
  '9'.repeat(400),
  '0.000000000000000000000000000000000001',
  "' OR '1'='1",
  "'; DROP TABLE orders; --",
  '$1',
  '%00',
  '%s%n',
  '../../../etc/passwd',
  '{{7*7}}',
  '${jndi:ldap://x}',
  '<script>alert(1)</script>',
  'javascript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'http://',
  'http://[::1',
  'https://exa mple',
  '__proto__',
  'constructor',
  'toString',
  '\r\nx-injected: 1',
  '\u001b[31m',
  'a'.repeat(70_000),
  '😀'.repeat(600),
  'ﷺ'.repeat(300),
  '00000000-0000-0000-0000-00000000000',
  '0199AA40-7A3F-7C31-A5FF-52F7A1F2D9C4',
  '2026-13-45T99:99:99Z',
  '0000-00-00T00:00:00Z',
];

const NASTY_NUMBERS: readonly unknown[] = [
  -1,
  0.5,
  -0.0000001,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  1e21,
  1e308,
  Number.MIN_VALUE,
];

/** A value that does not fit the schema, whatever else it may be. */
export function wrongValue(document: Document, schema: Schema, dice: Dice): unknown {
  const branches = (schema.anyOf ?? [schema]).map((branch) => resolve(document, branch));
  const types = new Set(branches.flatMap(({ type }) => type ?? []));
  if (branches.some((branch) => branch.enum !== undefined)) types.add('string');
  const wrong: unknown[] = [];
  if (!types.has('null')) wrong.push(null);
  if (!types.has('boolean')) wrong.push(true);
  if (!types.has('object')) wrong.push({}, { a: { b: { c: 1 } } });
  if (!types.has('array')) wrong.push([], [[]], [null]);
  if (!types.has('integer')) wrong.push(...NASTY_NUMBERS);
  else wrong.push(0.5, 1e308, '1');
  if (!types.has('string')) wrong.push(...NASTY_TEXTS);
  const [only] = branches;
  if (branches.length === 1 && only !== undefined) wrong.push(...outOfBounds(only));
  // No text of this API holds NUL or half of a surrogate pair.
  wrong.push('a\u0000b', 'a\ud800');
  return dice.pick(wrong);
}

function outOfBounds(schema: Schema): unknown[] {
  const wrong: unknown[] = [];
  if (schema.minimum !== undefined) wrong.push(schema.minimum - 1);
  if (schema.maximum !== undefined) wrong.push(schema.maximum + 1);
  if (schema.maxLength !== undefined) wrong.push('x'.repeat(schema.maxLength + 1));
  if ((schema.minLength ?? 0) > 0) wrong.push('');
  if (schema.maxItems !== undefined) wrong.push(Array(schema.maxItems + 1).fill('x'));
  if (schema.format === 'uri') wrong.push('javascript:alert(1)', 'file:///etc/passwd', 'http://');
  if (schema.enum === undefined && schema.pattern === undefined) return wrong;
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, 'u');
  const fits = (text: string) => schema.enum?.includes(text) === true || pattern?.test(text);
  return [...wrong, ...NASTY_TEXTS.filter((text) => fits(text) !== true)];
}

/** Breaks a body that fits: a wrong value somewhere, a field too many, one too few, another shape. */
export function breakBody(
  document: Document,
  schema: Schema,
  body: Record<string, unknown>,
  dice: Dice,
): unknown {
  const broken = { ...body };
  const fields = Object.entries(schema.properties ?? {});
  const required = (schema.required ?? []).filter((name) => name in broken);
  const kind = dice.below(10);
  if (kind === 0) return dice.pick([null, [], 'text', 1, true, [body]]);
  if (kind === 1 || fields.length === 0) {
    return { ...broken, [dice.pick(EXTRA_NAMES)]: dice.pick([1, null, {}, 'x']) };
  }
  if (kind === 2 && required.length > 0) {
    delete broken[dice.pick(required)];
    return broken;
  }
  const [name, field] = dice.pick(fields);
  const inner = resolve(document, field);
  if (inner.properties !== undefined && dice.chance(70)) {
    return { ...broken, [name]: breakBody(document, inner, {}, dice) };
  }
  broken[name] = wrongValue(document, inner, dice);
  return broken;
}

const EXTRA_NAMES = [
  'unknown',
  '',
  'merchant_id',
  'status',
  'constructor',
  'a/b~c',
  '\u0000',
  '💥',
  'x'.repeat(5_000),
];

/** A body that is no JSON, or none that may be read: as it goes over the wire. */
export function brokenBytes(good: string, dice: Dice): { bytes: Uint8Array; type: string } {
  const text = new TextEncoder();
  const json = 'application/json';
  const cut = good.slice(0, dice.below(Math.max(1, good.length)));
  return dice.pick([
    { bytes: text.encode(cut === '' ? '{' : cut), type: json },
    { bytes: text.encode(`${good}}`), type: json },
    { bytes: text.encode(`${good.slice(0, -1)},"__proto__":{"admin":true}}`), type: json },
    { bytes: text.encode(`\ufeff\ufeff${good}`), type: json },
    // An empty object has no quotes that could be exchanged.
    { bytes: text.encode(good === '{}' ? "{''}" : good.replaceAll('"', "'")), type: json },
    { bytes: text.encode('['.repeat(50_000)), type: json },
    { bytes: text.encode('{"a":'.repeat(20_000)), type: json },
    { bytes: text.encode(`{"a":${'9'.repeat(10_000)}}`), type: json },
    { bytes: text.encode(`"${'x'.repeat(300_000)}"`), type: json },
    { bytes: new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), type: json },
    { bytes: new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), type: json },
    { bytes: new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]), type: json },
    { bytes: text.encode(good), type: 'text/plain' },
    { bytes: text.encode(good), type: 'application/xml' },
    { bytes: text.encode('a=1&b=2'), type: 'application/x-www-form-urlencoded' },
    { bytes: text.encode('--x\r\n\r\n--x--'), type: 'multipart/form-data; boundary=x' },
    { bytes: text.encode(good), type: 'application/json; charset=utf-16' },
    { bytes: text.encode(good), type: 'application' },
  ]);
}
