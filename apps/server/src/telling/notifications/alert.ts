import { type AlertEventCause, alertSeverities, type AlertSeverity } from '@quittance/contract';
import { unreachable, type Uuid } from '@quittance/kernel';
import type { JsonObject } from '../events/index.ts';

type Told = { atMs: number; severity: AlertSeverity };

/** What decides when an alert is told. Times in milliseconds since the Unix epoch. */
export type AlertState = {
  severity: AlertSeverity;
  /** The beginning of the present episode: when it was opened or, later, re-opened. */
  openedAtMs: number;
  lastSeenAtMs: number;
  count: number;
  /** When and how grave it was last told by an event. */
  told: Told;
  /** The same for e-mail; null when it never was worth one. */
  emailed: Told | null;
  acknowledged: { atMs: number; by: string } | null;
  resolvedAtMs: number | null;
};

export type Alert = AlertState & {
  /** The merchant's id, or INSTANCE_ID for an alert of the instance. */
  bookId: Uuid;
  id: Uuid;
  /** A kind of the contract, or one that this program no longer knows. */
  kind: string;
  subject: string;
  /** English: for programs and the API; e-mails are in the store's language. */
  title: string;
  detail: string;
  nextStep: string;
  data: JsonObject;
};

export type AlertEvent =
  | { type: 'seen'; severity: AlertSeverity; nowMs: number }
  | { type: 'over'; nowMs: number }
  | { type: 'acknowledged'; by: string; nowMs: number };

export type AlertChange =
  | {
      outcome: 'new' | 'changed';
      state: AlertState;
      /** Why it is to be told now; null: only noted. */
      tell: AlertEventCause | null;
      email: boolean;
    }
  | { outcome: 'unchanged' }
  | { outcome: 'rejected'; reason: 'resolved' };

/**
 * What comes back within this time is the same trouble, on and off: the alert is re-opened, events
 * tell each turn, but an e-mail comes at most once in this time, unless it is graver than before.
 */
export const REOPEN_WITHIN_MS = 3_600_000;

/**
 * An open alert that nobody has acknowledged is told again after this time. Four times a day keeps
 * a grave one in sight without being filtered away; a mild one is not worth a second word.
 */
export const REMIND_AFTER_MS = {
  critical: 6 * 3_600_000,
  warning: 24 * 3_600_000,
  info: Number.POSITIVE_INFINITY,
} as const satisfies Record<AlertSeverity, number>;

export function isGraver(one: AlertSeverity, other: AlertSeverity): boolean {
  return alertSeverities.indexOf(one) > alertSeverities.indexOf(other);
}

/**
 * What an event makes of an alert. `before` is the open alert of its kind and subject, else the one
 * that was resolved last, else null. Pure.
 */
export function changeAlert(before: AlertState | null, event: AlertEvent): AlertChange {
  switch (event.type) {
    case 'seen':
      if (before === null) return open(event);
      return before.resolvedAtMs === null ? seeAgain(before, event) : comeBack(before, event);
    case 'over':
      return before === null || before.resolvedAtMs !== null
        ? { outcome: 'unchanged' }
        : resolve(before, event.nowMs);
    case 'acknowledged':
      if (before === null || before.resolvedAtMs !== null) {
        return { outcome: 'rejected', reason: 'resolved' };
      }
      if (before.acknowledged !== null) return { outcome: 'unchanged' };
      return noted({ ...before, acknowledged: { atMs: event.nowMs, by: event.by } });
    default:
      return unreachable(event);
  }
}

type Seen = Extract<AlertEvent, { type: 'seen' }>;

function open({ severity, nowMs }: Seen): AlertChange {
  const told = { atMs: nowMs, severity };
  const state: AlertState = {
    severity,
    openedAtMs: nowMs,
    lastSeenAtMs: nowMs,
    count: 1,
    told,
    emailed: told,
    acknowledged: null,
    resolvedAtMs: null,
  };
  return { outcome: 'new', state, tell: 'opened', email: true };
}

function comeBack(before: AlertState, seen: Seen): AlertChange {
  const { severity, nowMs } = seen;
  if (nowMs - (before.resolvedAtMs ?? 0) > REOPEN_WITHIN_MS) return open(seen);
  const { emailed } = before;
  const email =
    emailed === null ||
    isGraver(severity, emailed.severity) ||
    nowMs - emailed.atMs >= REOPEN_WITHIN_MS;
  const state = {
    ...seenNow(before, seen),
    openedAtMs: nowMs,
    acknowledged: null,
    resolvedAtMs: null,
  };
  return tell(state, 'reopened', { nowMs, email });
}

function seeAgain(before: AlertState, seen: Seen): AlertChange {
  const { severity, nowMs } = seen;
  const state = seenNow(before, seen);
  if (isGraver(severity, before.told.severity)) {
    return tell({ ...state, acknowledged: null }, 'escalated', { nowMs, email: true });
  }
  const isDue = nowMs - before.told.atMs >= REMIND_AFTER_MS[severity];
  if (before.acknowledged !== null || !isDue) return noted(state);
  return tell(state, 'reminder', { nowMs, email: true });
}

/** Who was e-mailed of this episode hears its end too. */
function resolve(before: AlertState, nowMs: number): AlertChange {
  const { emailed, openedAtMs } = before;
  const email = emailed !== null && emailed.atMs >= openedAtMs;
  return { outcome: 'changed', state: { ...before, resolvedAtMs: nowMs }, tell: 'resolved', email };
}

/** Clocks of two machines differ: what was seen never goes back in time. */
function seenNow(before: AlertState, { severity, nowMs }: Seen): AlertState {
  const lastSeenAtMs = Math.max(before.lastSeenAtMs, nowMs);
  return { ...before, severity, lastSeenAtMs, count: before.count + 1 };
}

function noted(state: AlertState): AlertChange {
  return { outcome: 'changed', state, tell: null, email: false };
}

function tell(
  state: AlertState,
  cause: AlertEventCause,
  { nowMs, email }: { nowMs: number; email: boolean },
): AlertChange {
  const told = { atMs: nowMs, severity: state.severity };
  const emailed = email ? told : state.emailed;
  return { outcome: 'changed', state: { ...state, told, emailed }, tell: cause, email };
}
