import { lengthOf, oneLine } from '../xml/text.ts';

/** A SAR's narrative is filed in at most five parts (FinCEN SAR XML schema 1.2). */
export const MAX_PARTS = 5;
export const MAX_PART_LENGTH = 4_000;

export type SplitNarrative =
  | { readonly ok: true; readonly parts: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Cuts a narrative into parts between words; nothing but the space at a cut is left out, because a
 * value may not begin or end with one. A narrative that does not fit is refused, never shortened.
 */
export function splitNarrative(narrative: string): SplitNarrative {
  const text = oneLine(narrative);
  if (text === '')
    return { ok: false, reason: 'is missing: say who, what, when, where, why and how' };
  const parts: string[] = [];
  let rest = text;
  while (rest !== '') {
    const part = firstPart(rest);
    parts.push(part);
    rest = rest.slice(part.length).trimStart();
  }
  if (parts.length <= MAX_PARTS) return { ok: true, parts };
  const most = MAX_PARTS * MAX_PART_LENGTH;
  return {
    ok: false,
    reason:
      `${lengthOf(text)} characters are too many: ${MAX_PARTS} parts of ${MAX_PART_LENGTH} fit, ` +
      `${most} in all. Shorten it; nothing is cut for you`,
  };
}

function firstPart(text: string): string {
  if (lengthOf(text) <= MAX_PART_LENGTH) return text;
  let end = 0;
  let count = 0;
  for (const character of text) {
    if (count === MAX_PART_LENGTH) break;
    end += character.length;
    count++;
  }
  // The part may end right before a space; else at the last space within it.
  if (text[end] === ' ') return text.slice(0, end).trimEnd();
  const space = text.lastIndexOf(' ', end - 1);
  return space <= 0 ? text.slice(0, end) : text.slice(0, space);
}
