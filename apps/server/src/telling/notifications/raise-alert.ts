import type { AlertKind, AlertSeverity } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { INSTANCE_ID } from '../../platform/http/index.ts';
import { redactText } from '../../platform/log/index.ts';
import type { JsonObject } from '../events/index.ts';
import { type Alert, changeAlert } from './alert.ts';
import { findLatestAlert, lockAlertKey, writeAlert } from './alert-store.ts';
import { sayIn } from './compose-email.ts';
import { cleanFact, type Facts } from './facts.ts';
import { type AlertDeps, tellAlert } from './tell-alert.ts';

/** Long enough for an id or two; a longer one is no name of a thing. */
const MAX_SUBJECT_LENGTH = 200;

/** Some hundred transaction ids; a table belongs elsewhere. It goes out by webhook. */
const MAX_DATA_CHARACTERS = 64_000;

export type RaiseAlert<Kind extends AlertKind = AlertKind> = {
  /** null: an alert of the instance, which its administrator sees; in asSystem only. */
  merchantId: Uuid | null;
  kind: Kind;
  /** What it is about, such as a payout's id: of each kind one alert is open for each subject. */
  subject: string;
  severity: AlertSeverity;
  /** Fills the texts; kept in the alert's data. No secrets: it goes out by e-mail. */
  facts: Facts<Kind>;
  /** More for programs, such as the transactions that explain a difference. */
  data?: JsonObject | undefined;
};

/**
 * Says that something is wrong, as often as it is seen: opens an alert or refreshes the open one,
 * in the caller's transaction. Told by event (and so by webhook) and e-mail when it is new, back,
 * graver than before, or still unacknowledged after a long time (`alert.ts`); else only noted.
 * Call it after taking all other locks: it holds the alert's until the transaction ends.
 */
export async function raiseAlert<Kind extends AlertKind>(
  tx: Tx,
  deps: AlertDeps,
  raised: RaiseAlert<Kind>,
): Promise<Alert> {
  const { kind, subject, severity } = raised;
  assert(
    subject.length > 0 && subject.length <= MAX_SUBJECT_LENGTH && cleanFact(subject) === subject,
    'the subject of an alert is a short plain name',
  );
  const data = { ...raised.data, ...cleanFacts(raised.facts) };
  assert(JSON.stringify(data).length <= MAX_DATA_CHARACTERS, 'the data of an alert is small');
  const key = { bookId: raised.merchantId ?? INSTANCE_ID, kind, subject };
  await lockAlertKey(tx, key);
  const before = (await findLatestAlert(tx, key)) ?? null;
  const change = changeAlert(before, { type: 'seen', severity, nowMs: deps.clock.nowMs() });
  assert(change.outcome === 'new' || change.outcome === 'changed', 'what is seen can be noted');
  const alert: Alert = {
    ...key,
    id: change.outcome === 'new' || before === null ? deps.ids.next() : before.id,
    ...sayIn('en', kind, data),
    data,
    ...change.state,
  };
  await writeAlert(tx, alert, change.outcome === 'new');
  if (change.tell !== null) {
    await tellAlert(tx, deps, { alert, cause: change.tell, email: change.email });
  }
  return alert;
}

function cleanFacts<Kind extends AlertKind>(facts: Facts<Kind>): Facts<Kind> {
  const clean = Object.entries<string>(facts).map(([name, text]) => [
    name,
    cleanFact(redactText(text)),
  ]);
  // The same names as before.
  return Object.fromEntries(clean) as Facts<Kind>;
}
