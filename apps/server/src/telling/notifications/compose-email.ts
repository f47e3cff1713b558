import {
  type AlertEventCause,
  type AlertKind,
  alertKinds,
  type AlertSeverity,
} from '@quittance/contract';
import type { JsonObject } from '../events/index.ts';
import type { Alert } from './alert.ts';
import { cleanFact, factNames, type Facts } from './facts.ts';
import { type Locale, texts } from './texts/index.ts';

/** What an alert says in one language. */
export type AlertText = { title: string; detail: string; nextStep: string };
export type EmailText = { subject: string; body: string };

/** Subjects are shown in one line; what is longer is cut there anyway. */
const MAX_SUBJECT_LENGTH = 200;
const AMOUNT_NAME = /Sats$/;
const SEVERITY_COLORS = { info: '#475569', warning: '#b45309', critical: '#b91c1c' } as const;

export function sayIn<Kind extends AlertKind>(
  locale: Locale,
  kind: Kind,
  facts: Facts<Kind>,
): AlertText {
  const { title, detail, nextStep } = texts[locale].kinds[kind];
  return { title, detail: detail(readable(facts)), nextStep };
}

/** Amounts with their digits in threes: nobody counts seven zeros. */
function readable<Kind extends AlertKind>(facts: Facts<Kind>): Facts<Kind> {
  const read = Object.entries<string>(facts).map(([name, text]) => [
    name,
    AMOUNT_NAME.test(name) && /^-?\d+$/.test(text)
      ? text.replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
      : text,
  ]);
  // The same names as before.
  return Object.fromEntries(read) as Facts<Kind>;
}

/** The stored alert in a language; in English as stored where its kind has no words here any more. */
function sayStored(alert: Alert, locale: Locale): AlertText {
  const kind = alertKinds.find((known) => known === alert.kind);
  return kind === undefined ? alert : sayIn(locale, kind, factsOf(kind, alert.data));
}

function factsOf<Kind extends AlertKind>(kind: Kind, data: JsonObject): Facts<Kind> {
  const names: readonly string[] = factNames[kind];
  const facts = names.map((name) => {
    const value = data[name];
    return [name, typeof value === 'string' ? value : '?'];
  });
  // The names were read from the kind's own list.
  return Object.fromEntries(facts) as Facts<Kind>;
}

/**
 * Writes the e-mail about an alert as it is now.
 * @param about.store the store's name, null for the instance
 * @param about.lastOfHour says that no more e-mails follow for now; the number sent in an hour
 */
export function composeEmail(about: {
  alert: Alert;
  cause: AlertEventCause;
  locale: Locale;
  store: string | null;
  lastOfHour?: number | undefined;
}): EmailText {
  const { alert, cause, locale } = about;
  const words = texts[locale];
  const { labels, colon } = words;
  const { title, detail, nextStep } = sayStored(alert, locale);
  const store = cleanFact(about.store ?? words.instance);
  const severity = words.severities[alert.severity];
  const isOver = alert.resolvedAtMs !== null;
  const facts = [
    [labels.store, store],
    [labels.severity, severity],
    [labels.since, utc(alert.openedAtMs)],
    ...(isOver ? [[labels.resolvedAt, utc(alert.resolvedAtMs ?? 0)]] : []),
    [labels.count, String(alert.count)],
    [labels.alert, alert.id],
  ];
  const paragraphs = [
    `${words.causes[cause]}${title}`,
    detail,
    ...(isOver ? [] : [`${labels.todo}${colon}${nextStep}`]),
    facts.map(([label, value]) => `${label}${colon}${value}`).join('\n'),
    ...(about.lastOfHour === undefined ? [] : [words.limit(about.lastOfHour)]),
    about.store === null ? words.whyOperator : words.whyYou,
  ];
  const subject = cleanFact(`[${severity}] ${words.causes[cause]}${title} – ${store}`);
  return {
    subject: subject.slice(0, MAX_SUBJECT_LENGTH).toWellFormed(),
    body: paragraphs.join('\n\n'),
  };
}

/** The same words as a small page, for readers that show HTML. Nothing in it is loaded or linked. */
export function toHtml(body: string, look: { locale: Locale; severity?: AlertSeverity }): string {
  const [headline = '', ...paragraphs] = body.split('\n\n').map(escapeHtml);
  const color = SEVERITY_COLORS[look.severity ?? 'info'];
  const rest = paragraphs.map((one) => `<p>${one.replaceAll('\n', '<br>')}</p>`).join('\n');
  return `<!doctype html>
<html lang="${look.locale}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${headline}</title>
<body style="font-family:sans-serif;line-height:1.5;max-width:40em">
<h1 style="font-size:1.25em;border-left:4px solid ${color};padding-left:.6em">${headline}</h1>
${rest}
</body></html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** "2026-01-31 12:00:00 UTC": the reader's zone is not known. */
function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
