/** Red, green, blue from 0 to 255. */
type Rgb = readonly [number, number, number];

export interface BrandColors {
  /** Background of the main button: the store's colour as it is. */
  fill: string;
  /** Text on `fill`; at least 4.5:1 (WCAG 2.2, 1.4.3). */
  onFill: string;
  /** Edge of the button, progress, focus ring; at least 3:1 on the card (WCAG 2.2, 1.4.11). */
  edge: string;
  /** Links and other text on the card; at least 4.5:1. */
  ink: string;
}

/** The card's background in each theme; checkout.css has the same two values. */
export const SURFACE = { light: '#ffffff', dark: '#17191f' } as const;

/** Used when the store has chosen no colour: a deep blue that belongs to nobody. */
const DEFAULT_COLOR = '#2f54d6';
const TEXT_RATIO = 4.5;
const SHAPE_RATIO = 3;

/**
 * Makes a store's colour usable in a theme. Where it must be seen against the card, it moves in
 * small steps away from the card's colour until the contrast is enough.
 * @param color `#rrggbb`; anything else means the default colour
 */
export function brandColors(color: string | null, theme: 'light' | 'dark'): BrandColors {
  const wanted = parseHex(color ?? '') ?? parseHex(DEFAULT_COLOR) ?? [0, 0, 0];
  const surface = parseHex(SURFACE[theme]) ?? [255, 255, 255];
  const away: Rgb = theme === 'light' ? [0, 0, 0] : [255, 255, 255];
  const edge = moveUntil(wanted, away, (c) => contrast(c, surface) >= SHAPE_RATIO);
  const ink = moveUntil(wanted, away, (c) => contrast(c, surface) >= TEXT_RATIO);
  const white: Rgb = [255, 255, 255];
  const black: Rgb = [0, 0, 0];
  // White reads calmer on a saturated button; black where white can’t be read: against every
  // colour one of the two reaches 4.5:1.
  const onFill = contrast(white, wanted) >= TEXT_RATIO ? white : black;
  return {
    fill: toHexColor(wanted),
    onFill: toHexColor(onFill),
    edge: toHexColor(edge),
    ink: toHexColor(ink),
  };
}

/** Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrastRatio(a: string, b: string): number {
  return contrast(parseHex(a) ?? [0, 0, 0], parseHex(b) ?? [0, 0, 0]);
}

const STEPS = 40;

function moveUntil(from: Rgb, to: Rgb, enough: (color: Rgb) => boolean): Rgb {
  for (let step = 0; step <= STEPS; step++) {
    const share = step / STEPS;
    const mix = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share);
    const color: Rgb = [mix(0), mix(1), mix(2)];
    if (enough(color)) return color;
  }
  return to;
}

function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function parseHex(color: string): Rgb | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (match === null) return undefined;
  const channel = (index: number) => Number.parseInt(match[index] ?? '0', 16);
  return [channel(1), channel(2), channel(3)];
}

function toHexColor(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
