import type { OrderView } from '@quittance/contract';

/** What the page is about. Each has its own title, words and next step for the payer. */
export type Screen =
  | 'waiting'
  | 'partial'
  | 'seen'
  | 'confirming'
  | 'review'
  | 'paid'
  | 'overpaid'
  | 'expired'
  | 'short'
  | 'late'
  | 'invalid'
  | 'refunded';

/** The mood of a screen: it colours the icon and the favicon, never alone (words say it too). */
export type Tone = 'waiting' | 'progress' | 'good' | 'attention' | 'neutral';

/**
 * Chooses the screen. The status is the server's; only the end of the paying time is also read
 * from the clock (the server's, passed in), so that nobody is invited to pay in the seconds before
 * the server has closed the order.
 */
export function screenOf(view: OrderView, nowMs: number): Screen {
  const over = view.expired || nowMs >= Date.parse(view.expiresAt);
  switch (view.status) {
    case 'PENDING':
    case 'EXPIRED':
      if (BigInt(view.lateSats) > 0n) return 'late';
      return over || view.status === 'EXPIRED' ? 'expired' : 'waiting';
    case 'UNDERPAID':
      return over ? 'short' : 'partial';
    case 'UNCONFIRMED':
      if (BigInt(view.reviewSats) > 0n) return 'review';
      return view.confirmations.have > 0 ? 'confirming' : 'seen';
    case 'CONFIRMED':
      return 'paid';
    case 'OVERPAID':
      return 'overpaid';
    case 'INVALID':
      return 'invalid';
    case 'REFUNDED':
      return 'refunded';
  }
}

export function toneOf(screen: Screen): Tone {
  switch (screen) {
    case 'waiting':
    case 'partial':
      return 'waiting';
    case 'seen':
    case 'confirming':
    case 'review':
      return 'progress';
    case 'paid':
    case 'overpaid':
      return 'good';
    case 'short':
    case 'late':
      return 'attention';
    case 'expired':
    case 'invalid':
    case 'refunded':
      return 'neutral';
  }
}

/** On these screens, and only there, the payer is invited to pay. */
export function invitesPayment(screen: Screen): boolean {
  return screen === 'waiting' || screen === 'partial';
}

/** Nothing more is expected to happen soon: the page may ask the server rarely. */
export function isSettled(screen: Screen): boolean {
  return toneOf(screen) === 'good' || screen === 'refunded' || screen === 'invalid';
}

/** A payment that was seen and no longer counts (replaced by its sender, or dropped). */
export function hasLostPayment(view: OrderView): boolean {
  return view.payments.some((p) => p.state === 'replaced' || p.state === 'dropped');
}
