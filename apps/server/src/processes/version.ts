import { readFileSync } from 'node:fs';

/** The version in the project's package.json. */
export function version(): string {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || !('version' in parsed)) return 'unknown';
  return typeof parsed.version === 'string' ? parsed.version : 'unknown';
}
