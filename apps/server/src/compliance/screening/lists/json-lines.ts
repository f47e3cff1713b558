import { MAX_LINE_LETTERS, readLines } from './read-lines.ts';
import type { ImportEvent } from '../list-entry.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The objects of a file with one in each line; a line that is none becomes a finding. */
export async function* readJsonLines(
  files: readonly string[],
): AsyncGenerator<{ file: string; line: number; object: JsonObject } | ImportEvent> {
  for (const file of files) {
    for await (const { text, line } of readLines(file)) {
      if (text.trim() === '') continue;
      const object = text.length > MAX_LINE_LETTERS ? undefined : parseObject(text);
      if (object !== undefined) yield { file, line, object };
      else yield { kind: 'finding', finding: { file, line, message: 'not a JSON object' } };
    }
  }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list of objects, whatever else the value is. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Strings of a value that should be a list of them, or one; a whole number is one (a year). */
export function strings(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((one) =>
    typeof one === 'string' ? [one] : Number.isSafeInteger(one) ? [String(one)] : [],
  );
}
