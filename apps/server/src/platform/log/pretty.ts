const SHOWN_APART = new Set(['level', 'time', 'message', 'error', 'err', 'name']);
/** A line that fills the screen helps nobody; the JSON form has everything. */
const MAX_VALUE_CHARACTERS = 200;
const ESCAPES = { esc: '\u001b' };

/** Turns one JSON log line into "12:00:00.000 info  message key=value". */
export function prettyLine(line: string): string {
  const fields = parse(line);
  if (fields === undefined) return line;
  const time = typeof fields['time'] === 'string' ? fields['time'].slice(11, 23) : '';
  const level = String(fields['level'] ?? '').padEnd(5);
  const more = Object.entries(fields)
    .filter(([name]) => !SHOWN_APART.has(name))
    .map(([name, value]) => `${name}=${show(value)}`);
  const error = describeError(fields['error'] ?? fields['err']);
  const parts = [time, level, clean(String(fields['message'] ?? '')), ...more];
  if (error !== undefined) parts.push(`error=${error}`);
  return `${parts.join(' ').trimEnd()}\n`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const cut = text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text;
  return clean(/\s/.test(cut) ? JSON.stringify(cut) : cut);
}

function describeError(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (typeof error === 'object' && error !== null && 'message' in error) return show(error.message);
  return show(error);
}

/** Text from outside must not steer the terminal (colours, cursor) nor fake a second line. */
function clean(text: string): string {
  return text.replaceAll(ESCAPES.esc, '\\e').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
