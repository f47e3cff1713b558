import type { Clock, Random } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import { nextChance } from '../../platform/random.ts';
import { ALERTS_CHANNEL } from './alert-store.ts';
import { toHtml } from './compose-email.ts';
import {
  type ClaimedEmail,
  claimEmails,
  type EmailOutcome,
  recordEmailOutcomes,
} from './email-store.ts';
import { deferralMs, isGivenUp, isStale, restMs } from './schedule.ts';
import type { SendResult } from './send-result.ts';
import { type EmailMessage, openSmtp, SEND_TIMEOUT_MS, type SmtpSettings } from './smtp.ts';

export type MailerOptions = {
  database: Database;
  clock: Clock;
  random: Random;
  log: { warn(detail: object, message: string): void };
  smtp: SmtpSettings;
  /** Tells the outcome of each attempt. */
  onAttempt?: (outcome: 'sent' | 'retry' | 'failed') => void;
  /** How long a claim holds; must exceed the longest attempt. */
  leaseMs?: number;
  /** How often the queue is looked at without being rung for. */
  everyMs?: number;
};

/** E-mails that are sent side by side, each on its own connection; servers dislike more. */
const AT_ONCE = 4;
/** What is due without a bell, such as a second attempt, waits no longer than this. */
const LOOK_EVERY_MS = 5_000;
/** Beyond the longest attempt, for the write of its outcome while the database is slow. */
const LEASE_MARGIN_MS = 60_000;
/** After a stop, attempts may end by themselves for this long. */
const GRACE_MS = 4_000;

const STALE: SendResult = { outcome: 'refused', error: 'could not be sent within three days' };

/**
 * Sends the e-mails that wait in the database, for as long as it runs. Killed at any moment, what
 * it held is due again when the lease ends: an e-mail may come twice, under the same Message-ID,
 * but never not at all. Any number of mailers share the work.
 */
export function startMailer(options: MailerOptions): Loop {
  const { database, clock, log } = options;
  const smtp = openSmtp(options.smtp);
  const leaseMs = options.leaseMs ?? SEND_TIMEOUT_MS + LEASE_MARGIN_MS;
  const domain = options.smtp.from.address.split('@')[1] ?? '';
  const chance = () => nextChance(options.random);
  /** Outcomes that the database would not take yet; at most one round's. */
  let unwritten: EmailOutcome[] = [];
  let failures = 0;
  let restUntilMs = 0;

  async function run(signal: AbortSignal): Promise<'again' | void> {
    await writeOutcomes();
    const nowMs = clock.nowMs();
    if (nowMs < restUntilMs) return;
    const request = { nowMs, leaseMs, limit: AT_ONCE };
    const claimed = await database.asSystem((tx) => claimEmails(tx, request));
    if (claimed.length === 0) return;
    const cut = new AbortController();
    const stopping = () => void setTimeout(() => cut.abort(), GRACE_MS).unref();
    signal.addEventListener('abort', stopping, { once: true });
    const results = await Promise.all(
      claimed.map(async (email) =>
        isStale(email, nowMs) ? STALE : await smtp.send(messageOf(email, domain), cut.signal),
      ),
    );
    signal.removeEventListener('abort', stopping);
    noteServer(results.filter((result) => result !== STALE));
    // Cut off by stop(): what was under way may have arrived or not; its lease brings it back.
    unwritten = claimed.flatMap((email, i) => {
      const result = results[i];
      const isCut = cut.signal.aborted && result?.outcome !== 'accepted';
      return result === undefined || isCut ? [] : [decide(email, result)];
    });
    await writeOutcomes();
    return clock.nowMs() < restUntilMs ? undefined : 'again';
  }

  async function writeOutcomes(): Promise<void> {
    if (unwritten.length === 0) return;
    const outcomes = unwritten;
    await database.asSystem((tx) => recordEmailOutcomes(tx, outcomes, clock.nowMs()));
    unwritten = [];
    for (const { email, state, error } of outcomes) {
      options.onAttempt?.(state === 'pending' ? 'retry' : state);
      if (state !== 'failed') continue;
      // The address is a person's: it stands in the list of alerts, not in the log.
      log.warn({ emailId: email.id, alertId: email.alertId, error }, 'alerts: an e-mail failed');
    }
  }

  /** A server that does not work rests as a whole, so that no queue is hammered through it. */
  function noteServer(results: readonly SendResult[]): void {
    const down = results.find((result) => result.outcome === 'unavailable');
    const works = results.some((result) => result.outcome !== 'unavailable');
    if (works) failures = 0;
    if (down === undefined) return;
    failures++;
    restUntilMs = clock.nowMs() + restMs(failures, chance());
    log.warn({ error: down.error }, 'alerts: the mail server can not be used just now');
  }

  function decide(email: ClaimedEmail, result: SendResult): EmailOutcome {
    const nowMs = clock.nowMs();
    const { deferrals } = email;
    const same = { email, nextAttemptAtMs: nowMs, deferrals };
    if (result.outcome === 'accepted') return { ...same, state: 'sent', error: null };
    const { error } = result;
    if (result.outcome === 'refused' || isGivenUp(email, nowMs)) {
      return { ...same, state: 'failed', error };
    }
    if (result.outcome === 'unavailable') {
      return { ...same, state: 'pending', nextAttemptAtMs: Math.max(nowMs, restUntilMs), error };
    }
    const nextAttemptAtMs = nowMs + deferralMs(deferrals + 1, chance());
    return { ...same, state: 'pending', nextAttemptAtMs, deferrals: deferrals + 1, error };
  }

  return startLoop({
    name: 'alert e-mails',
    everyMs: options.everyMs ?? LOOK_EVERY_MS,
    run,
    wake: (ring) => database.listen(ALERTS_CHANNEL, { message: ring, gap: ring }),
    onError: (error) => log.warn({ err: error }, 'alerts: the queue can not be read just now'),
    clock,
  });
}

/** Everything follows from the row, so that each attempt sends the same. */
export function messageOf(email: ClaimedEmail, domain: string): EmailMessage {
  const { id, alertId, recipient, subject, body, locale, severity, createdAtMs } = email;
  return {
    messageId: `${id}@${domain}`,
    threadId: `alert-${alertId}@${domain}`,
    to: recipient,
    subject,
    text: body,
    html: toHtml(body, { locale, severity }),
    dateMs: createdAtMs,
  };
}
