import { h, type ComponentChild } from 'preact';
import type { Screen } from '../screen.ts';

/** Icons of the product, drawn on 24 × 24 with round strokes; all are decoration beside words. */
const shapes = {
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clock: 'M12 7v5l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  alert: 'M12 8v5M12 16.5v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  undo: 'M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3',
  minus: 'M8 12h8M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  wallet: 'M4 7h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zm0 0l10-3v3M16 13v.01',
  soundOn: 'M5 10v4h3l4 4V6L8 10zM16 9.5a4 4 0 0 1 0 5M18.5 7a8 8 0 0 1 0 10',
  soundOff: 'M5 10v4h3l4 4V6L8 10zM16 10l5 5M21 10l-5 5',
  external: 'M14 5h5v5M19 5l-8 8M17 14v5H5V7h5',
  close: 'M6 6l12 12M18 6L6 18',
  print: 'M7 9V4h10v5M7 17H4v-6a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v6h-3M7 14h10v6H7z',
} as const;

export type IconName = keyof typeof shapes;

export function icon(name: IconName): ComponentChild {
  return h(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', width: 20, height: 20, 'aria-hidden': 'true' },
    h('path', { d: shapes[name] }),
  );
}

export function iconOf(screen: Screen): IconName {
  switch (screen) {
    case 'paid':
    case 'overpaid':
    case 'seen':
    case 'confirming':
      return 'check';
    case 'waiting':
    case 'partial':
    case 'expired':
    case 'review':
      return 'clock';
    case 'short':
    case 'late':
      return 'alert';
    case 'refunded':
      return 'undo';
    case 'invalid':
      return 'minus';
  }
}
