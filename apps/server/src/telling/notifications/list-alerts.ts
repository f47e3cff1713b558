import type { AlertKind } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Alert } from './alert.ts';
import { findAlert, selectAlerts } from './alert-store.ts';
import { type EmailLogEntry, selectEmailsOf } from './email-store.ts';
import { noSuchAlert } from './errors.ts';

/** Ten recipients and ten reminders; who wants to know more looks at the mail server. */
const MAX_EMAILS_SHOWN = 100;

/** A book's alerts, newest first. In asTenant of the merchant, or in asSystem for the instance. */
export async function listAlerts(
  tx: Tx,
  page: {
    bookId: Uuid;
    startingAfter: Uuid | undefined;
    limit: number;
    kind: AlertKind | undefined;
    state: 'open' | 'resolved' | undefined;
  },
): Promise<{ alerts: Alert[]; hasMore: boolean }> {
  const found = await selectAlerts(tx, { ...page, limit: page.limit + 1 });
  return { alerts: found.slice(0, page.limit), hasMore: found.length > page.limit };
}

/** One alert with the e-mails that tell of it. @throws {AppError} not_found */
export async function readAlert(
  tx: Tx,
  { bookId, id }: { bookId: Uuid; id: Uuid },
): Promise<{ alert: Alert; emails: EmailLogEntry[] }> {
  const alert = await findAlert(tx, { bookId, id });
  if (alert === undefined) throw noSuchAlert();
  const emails = await selectEmailsOf(tx, { bookId, alertId: id, limit: MAX_EMAILS_SHOWN });
  return { alert, emails };
}
