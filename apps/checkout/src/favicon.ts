import type { Tone } from './screen.ts';

/** The tab's picture: a dot that fills as the payment goes on, readable in light and dark tabs. */
const pictures: Record<Tone, string> = {
  waiting: '<circle cx="16" cy="16" r="12" fill="none" stroke="#5b6ee1" stroke-width="5"/>',
  progress:
    '<circle cx="16" cy="16" r="12" fill="none" stroke="#5b6ee1" stroke-width="5"/><circle cx="16" cy="16" r="6" fill="#5b6ee1"/>',
  good: '<circle cx="16" cy="16" r="15" fill="#178a50"/><path d="M9 17l5 5 9-11" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/>',
  attention:
    '<circle cx="16" cy="16" r="15" fill="#c77700"/><path d="M16 8v10M16 23v.1" stroke="#fff" stroke-width="4" stroke-linecap="round"/>',
  neutral:
    '<circle cx="16" cy="16" r="15" fill="#6b7280"/><path d="M9 16h14" stroke="#fff" stroke-width="4" stroke-linecap="round"/>',
};

/** Favicon of a state as a `data:` URI. */
export function faviconOf(tone: Tone): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${pictures[tone]}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
