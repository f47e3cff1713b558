import { emailText } from '@quittance/contract';
import { createTransport } from 'nodemailer';
import type { Secret } from '../../platform/config/index.ts';
import { redactText } from '../../platform/log/index.ts';
import { classifySmtpError, type SendResult } from './send-result.ts';

export type SmtpSettings = {
  host: string;
  port: number;
  /** starttls: encrypts before anything is said, or says nothing. implicit: TLS from the start. */
  tls: 'starttls' | 'implicit' | 'none';
  login: { user: string; password: Secret } | undefined;
  from: Mailbox;
  /** Certificates (PEM) to trust instead of the public ones, for a mail server of one's own. */
  trustedCa?: string | undefined;
};
export type Mailbox = { name: string; address: string };

/** What is handed to the mail server. The same message, the same bytes but for its boundaries. */
export type EmailMessage = {
  /** Without angle brackets; the same for every attempt. */
  messageId: string;
  /** Puts all e-mails about one alert into one thread. */
  threadId: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  dateMs: number;
};

export type Smtp = {
  send(message: EmailMessage, signal: AbortSignal): Promise<SendResult>;
  /** Connects, encrypts and logs in as for sending, and leaves. @throws with what is wrong */
  verify(): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 10_000;
/** Servers that fend off spammers let a client wait for the greeting. */
const GREETING_TIMEOUT_MS = 15_000;
/** Silence of the server after a command. Some check the whole message before they answer. */
const SOCKET_TIMEOUT_MS = 30_000;
/** The longest that one attempt can take. */
export const SEND_TIMEOUT_MS = 60_000;
const MAX_RESPONSE_BYTES = 16_384;

/**
 * Sends e-mails over SMTP, each on a connection of its own: alerts are few, and a connection that
 * was left open for an hour is one more thing that can be broken.
 */
export function openSmtp(settings: SmtpSettings): Smtp {
  const { login, from, tls } = settings;
  const transport = createTransport({
    host: settings.host,
    port: settings.port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: GREETING_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxResponseSize: MAX_RESPONSE_BYTES,
    disableFileAccess: true,
    disableUrlAccess: true,
    tls: {
      minVersion: 'TLSv1.2',
      ...(settings.trustedCa === undefined ? {} : { ca: settings.trustedCa }),
    },
    // A server that offers no login although we have one is not the server that was meant.
    ...(login === undefined
      ? {}
      : { auth: { user: login.user, pass: login.password.reveal() }, forceAuth: true }),
  });
  return {
    async send(message, signal) {
      const deadline = AbortSignal.timeout(SEND_TIMEOUT_MS);
      try {
        const mail = toMail(message, from);
        await transport.sendMail({ ...mail, signal: AbortSignal.any([signal, deadline]) });
        return { outcome: 'accepted' };
      } catch (error) {
        return classifySmtpError(error);
      }
    },
    async verify() {
      try {
        await transport.verify();
      } catch (error) {
        throw new Error(redactText(error instanceof Error ? error.message : String(error)));
      }
    },
  };
}

/** A message in the words of nodemailer. Its recipient was parsed when it was set. */
export function toMail(message: EmailMessage, from: Mailbox) {
  const to = emailText.parse(message.to);
  return {
    messageId: `<${message.messageId}>`,
    references: `<${message.threadId}>`,
    date: new Date(message.dateMs),
    from,
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject: message.subject,
    text: message.text,
    html: message.html,
    // RFC 3834: holiday notices and the like must not answer.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  };
}
