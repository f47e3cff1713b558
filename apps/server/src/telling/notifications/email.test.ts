import { alertEventCauses, type AlertKind, alertKinds } from '@quittance/contract';
import fc from 'fast-check';
import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import type { Alert } from './alert.ts';
import { composeEmail, sayIn, toHtml } from './compose-email.ts';
import { cleanFact, factNames } from './facts.ts';
import { messageOf } from './mailer.ts';
import { deferralMs, GIVE_UP_AFTER_MS, isGivenUp, MIN_ATTEMPTS, restMs } from './schedule.ts';
import { classifySmtpError } from './send-result.ts';
import { toMail } from './smtp.ts';
import { type Locale, texts } from './texts/index.ts';

const locales: readonly Locale[] = ['en', 'zh-CN', 'zh-TW'];
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom(
    'x\r\nBcc: thief@evil.example\r\n\r\n<script>',
    '\nSubject: other',
    '\u2028Bcc: thief@evil.example',
    '"><img src=x>',
    '=?utf-8?Q?=0D=0ABcc:_thief@evil.example?=',
    '\ud800',
    '.\r\n.\r\nQUIT',
  ),
);

function alertWith(kind: AlertKind, facts: Record<string, string>): Alert {
  const told = { atMs: 1_760_000_000_000, severity: 'critical' as const };
  const clean = Object.fromEntries(Object.entries(facts).map(([k, v]) => [k, cleanFact(v)]));
  return {
    bookId: '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4',
    id: '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c5',
    kind,
    subject: 's',
    severity: 'critical',
    title: 'Stored title',
    detail: 'Stored detail',
    nextStep: 'Stored step',
    data: clean,
    openedAtMs: told.atMs,
    lastSeenAtMs: told.atMs,
    count: 3,
    told,
    emailed: told,
    acknowledged: null,
    resolvedAtMs: null,
  };
}

async function compile(alert: Alert, store: string, locale: Locale): Promise<string> {
  const text = composeEmail({ alert, cause: 'opened', locale, store });
  const email = {
    bookId: alert.bookId,
    id: alert.id,
    alertId: alert.id,
    recipient: 'till@shop.example',
    ...text,
    locale,
    severity: alert.severity,
    createdAtMs: alert.openedAtMs,
    attempt: 1,
    deferrals: 0,
  };
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  const from = { name: 'Quittance', address: 'pay@quittance.example' };
  const mail = toMail(messageOf(email, 'quittance.example'), from);
  const { message } = await transport.sendMail(mail);
  return String(message);
}

test('whatever facts and names hold, no header is added and no recipient joins', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...alertKinds),
      fc.array(hostile, { minLength: 3, maxLength: 3 }),
      hostile,
      fc.constantFrom(...locales),
      async (kind, values, store, locale) => {
        const names: readonly string[] = factNames[kind];
        const facts = Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
        const raw = await compile(alertWith(kind, facts), store, locale);
        const head = raw.slice(0, raw.indexOf('\r\n\r\n'));
        const fields = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
        expect(new Set(fields.map((line) => line.split(':')[0]))).toEqual(
          new Set([
            'Auto-Submitted',
            'Content-Type',
            'Date',
            'From',
            'MIME-Version',
            'Message-ID',
            'References',
            'Subject',
            'To',
            'X-Auto-Response-Suppress',
          ]),
        );
        expect(fields).toHaveLength(10);
        expect(fields).toContain('To: till@shop.example');
        expect(head).toContain(
          `Message-ID: <0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c5@quittance.example>`,
        );
        expect(raw).not.toMatch(/[^\r]\n|\r[^\n]/);
      },
    ),
    { numRuns: 300 },
  );
});

test('an address with more than one mailbox in it is not sent to', () => {
  const message = { messageId: 'a@b', threadId: 'c@d', subject: '', text: '', html: '', dateMs: 0 };
  const from = { name: '', address: 'pay@quittance.example' };
  for (const to of ['a@b.cc, x@y.zz', 'a@b.cc\r\nBcc: x@y.zz', 'A <a@b.cc>', 'a@b.cc>', '']) {
    expect(() => toMail({ ...message, to }, from), to).toThrow();
  }
});

test('in HTML nothing of the text is markup', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const html = toHtml(`Title\n\n${cleanFact(text)}`, { locale: 'en', severity: 'info' });
      const inside = html.slice(html.indexOf('</h1>') + 5, html.indexOf('</body>'));
      const bare = inside.replaceAll(/<\/?p>|<br>/g, '');
      expect(bare).not.toMatch(/[<>"']/);
    }),
  );
});

test('every kind says all of its facts, in every language, and what to do', () => {
  for (const locale of locales) {
    for (const kind of alertKinds) {
      const facts = Object.fromEntries(factNames[kind].map((name) => [name, `[${name}]`]));
      // The facts are those of the kind.
      const say = sayIn(locale, kind, facts as never);
      for (const name of factNames[kind]) expect(say.detail, kind).toContain(`[${name}]`);
      expect(say.title.length).toBeGreaterThan(5);
      expect(say.nextStep.length).toBeGreaterThan(5);
    }
    const titles = alertKinds.map((kind) => texts[locale].kinds[kind].title);
    expect(new Set(titles).size).toBe(alertKinds.length);
    const causes = alertEventCauses.map((cause) => texts[locale].causes[cause]);
    expect(new Set(causes).size).toBe(alertEventCauses.length);
  }
});

test('the languages differ in every sentence, and Chinese ones use Chinese punctuation', () => {
  for (const kind of alertKinds) {
    const said = locales.map((locale) => {
      const facts = Object.fromEntries(factNames[kind].map((name) => [name, '1']));
      return sayIn(locale, kind, facts as never);
    });
    for (const part of ['title', 'detail', 'nextStep'] as const) {
      expect(new Set(said.map((one) => one[part])).size, `${kind} ${part}`).toBe(3);
      for (const { [part]: text } of said.slice(1)) {
        expect(text).not.toMatch(/[\u4e00-\u9fff][,;:.!?]/);
      }
    }
  }
});

test('an e-mail names the store, the trouble, its beginning and the alert; the end has no to-do', () => {
  const alert = alertWith('hot_wallet_low', { balanceSats: '1000', thresholdSats: '50000' });
  const open = composeEmail({ alert, cause: 'opened', locale: 'en', store: 'Corner Coffee' });
  expect(open.subject).toBe('[critical] The wallet that pays out runs low – Corner Coffee');
  for (const part of [
    'holds 1,000 sat',
    'is 50,000 sat',
    '2025-10-09 08:53:20 UTC',
    alert.id,
    'What to do: Send',
  ]) {
    expect(open.body).toContain(part);
  }
  const over = { ...alert, resolvedAtMs: alert.openedAtMs + 60_000 };
  const end = composeEmail({
    alert: over,
    cause: 'resolved',
    locale: 'en',
    store: 'Corner Coffee',
  });
  expect(end.subject).toContain('Resolved: ');
  expect(end.body).toContain('2025-10-09 08:54:20 UTC');
  expect(end.body).not.toContain('What to do');
});

test('an alert of a kind that has no words any more is told as it was stored', () => {
  const alert = { ...alertWith('payout_stuck', {}), kind: 'of_long_ago' };
  const { body } = composeEmail({ alert, cause: 'reminder', locale: 'zh-CN', store: 'S' });
  for (const part of ['Stored title', 'Stored detail', 'Stored step']) expect(body).toContain(part);
});

test('refusals of this e-mail end it, those of the sender, the login and the line never do', () => {
  const outcome = (command: string | undefined, responseCode?: number) =>
    classifySmtpError(Object.assign(new Error('x'), { command, responseCode })).outcome;
  expect(outcome('RCPT TO', 550)).toBe('refused');
  expect(outcome('DATA', 554)).toBe('refused');
  expect(outcome('RCPT TO', 450)).toBe('deferred');
  expect(outcome('DATA', 452)).toBe('deferred');
  expect(outcome('RCPT TO', 503)).toBe('deferred');
  expect(outcome('MAIL FROM', 451)).toBe('deferred');
  for (const code of [421, 530, 535]) expect(outcome('RCPT TO', code)).toBe('unavailable');
  expect(outcome('MAIL FROM', 550)).toBe('unavailable');
  expect(outcome('AUTH PLAIN', 535)).toBe('unavailable');
  expect(outcome('CONN')).toBe('unavailable');
  for (const odd of [null, undefined, 'text', 7]) {
    expect(classifySmtpError(odd).outcome).toBe('unavailable');
  }
});

test('waits grow within their bounds, and an e-mail is tried for a day', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (step, chance) => {
        expect(deferralMs(step, chance)).toBeGreaterThanOrEqual(48_000);
        expect(deferralMs(step, chance)).toBeLessThanOrEqual(2.4 * 3_600_000);
        expect(restMs(step, chance)).toBeGreaterThanOrEqual(4_000);
        expect(restMs(step, chance)).toBeLessThanOrEqual(360_000);
        expect(deferralMs(step + 1, chance)).toBeGreaterThanOrEqual(deferralMs(step, chance));
      },
    ),
  );
  const email = { attempt: MIN_ATTEMPTS, createdAtMs: 0 };
  expect(isGivenUp(email, GIVE_UP_AFTER_MS)).toBe(true);
  expect(isGivenUp(email, GIVE_UP_AFTER_MS - 1)).toBe(false);
  expect(isGivenUp({ ...email, attempt: 1 }, 9 * GIVE_UP_AFTER_MS)).toBe(false);
});
