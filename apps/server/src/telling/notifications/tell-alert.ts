import type { AlertEventCause, AlertEventData } from '@quittance/contract';
import { isoTime, type Clock, type Ids, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { INSTANCE_ID } from '../../platform/http/index.ts';
import { type JsonObject, recordEvents } from '../events/index.ts';
import type { Alert } from './alert.ts';
import { ringAlerts } from './alert-store.ts';
import type { ReadAudience } from './audience.ts';
import { composeEmail } from './compose-email.ts';
import { countRecent, insertEmails } from './email-store.ts';

/** What raising and resolving alerts needs besides the caller's transaction. */
export type AlertDeps = { clock: Clock; ids: Ids; readAudience: ReadAudience };

/**
 * A flood of alerts must fill nobody's mailbox and must not make mail servers refuse us. The last
 * e-mail of the hour says so; the list of alerts and webhooks stay complete.
 */
export const MAX_EMAILS_PER_HOUR = 30;
const HOUR_MS = 3_600_000;

type Telling = { alert: Alert; cause: AlertEventCause; email: boolean };

/** Tells an alert: the merchant's event with its webhooks, and e-mails to whoever is to have them. */
export async function tellAlert(tx: Tx, deps: AlertDeps, telling: Telling): Promise<void> {
  const { alert, cause } = telling;
  // Nobody could read events of the instance: it has no webhooks and its key reads no events.
  if (alert.bookId !== INSTANCE_ID) {
    await recordEvents(tx, [
      {
        merchantId: alert.bookId,
        id: deps.ids.next(),
        type: cause === 'resolved' ? 'alert.resolved' : 'alert.opened',
        orderId: null,
        data: eventData(alert, cause),
        createdAtMs: deps.clock.nowMs(),
      },
    ]);
  }
  if (telling.email) await queueEmails(tx, deps, telling);
  await ringAlerts(tx, { kind: alert.kind, cause });
}

async function queueEmails(tx: Tx, deps: AlertDeps, { alert, cause }: Telling): Promise<void> {
  const { bookId } = alert;
  const merchantId: Uuid | null = bookId === INSTANCE_ID ? null : bookId;
  const { store, locale, emails } = await deps.readAudience(tx, merchantId);
  if (emails.length === 0) return;
  const createdAtMs = deps.clock.nowMs();
  const recent = await countRecent(tx, { bookId, sinceMs: createdAtMs - HOUR_MS });
  if (recent >= MAX_EMAILS_PER_HOUR) return;
  const lastOfHour = recent + 1 === MAX_EMAILS_PER_HOUR ? MAX_EMAILS_PER_HOUR : undefined;
  const text = composeEmail({ alert, cause, locale, store, lastOfHour });
  const same = { bookId, alertId: alert.id, cause, locale, severity: alert.severity, createdAtMs };
  await insertEmails(
    tx,
    emails.map((recipient) => ({ ...same, ...text, id: deps.ids.next(), recipient })),
  );
}

function eventData(alert: Alert, cause: AlertEventCause): JsonObject {
  const data: AlertEventData & { data: JsonObject } = {
    alertId: alert.id,
    cause,
    kind: alert.kind,
    subject: alert.subject,
    severity: alert.severity,
    title: alert.title,
    detail: alert.detail,
    nextStep: alert.nextStep,
    data: alert.data,
    openedAt: isoTime(alert.openedAtMs),
    lastSeenAt: isoTime(alert.lastSeenAtMs),
    count: alert.count,
    acknowledgedAt: alert.acknowledged === null ? null : isoTime(alert.acknowledged.atMs),
    resolvedAt: alert.resolvedAtMs === null ? null : isoTime(alert.resolvedAtMs),
    message: cause === 'resolved' ? `Resolved: ${alert.title}` : alert.title,
  };
  return data;
}
