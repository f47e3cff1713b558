import { randomFillSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Database } from '../../platform/db/index.ts';
import type { Audience } from './audience.ts';
import type { MailerOptions } from './mailer.ts';
import type { RaiseAlert } from './raise-alert.ts';
import type { SmtpSettings } from './smtp.ts';
import type { AlertDeps } from './tell-alert.ts';

export const random = (target: Uint8Array): Uint8Array => randomFillSync(target);

export function alertDeps(more: { clock?: Clock; audience?: Partial<Audience> } = {}): AlertDeps {
  const { clock = systemClock, audience } = more;
  const whole: Audience = { store: 'Corner Coffee', locale: 'en', emails: [], ...audience };
  return { clock, ids: uuidV7Ids(clock, random), readAudience: async () => whole };
}

export async function newMerchant(database: Database): Promise<Uuid> {
  const id = uuidV7Ids(systemClock, random).next();
  await database.asSystem((tx) =>
    tx.query(
      `INSERT INTO merchant (id, name, settings, created_at, updated_at)
       VALUES ($1, 'Shop', '{}', now(), now())`,
      [id],
    ),
  );
  return id;
}

export function lowWallet(
  merchantId: Uuid | null,
  more: Partial<Pick<RaiseAlert, 'severity' | 'subject' | 'data'>> = {},
): RaiseAlert<'hot_wallet_low'> {
  return {
    merchantId,
    kind: 'hot_wallet_low',
    subject: 'wallet 1',
    severity: 'warning',
    facts: { balanceSats: '1000', thresholdSats: '50000' },
    ...more,
  };
}

export type ReceivedMail = {
  recipients: string[];
  /** The whole message as it came over the wire. */
  raw: string;
  messageId: string;
  encrypted: boolean;
  user: string | undefined;
};

/** A refusal with an SMTP code. */
export class SmtpRefusal extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, message = 'no') {
    super(message);
    this.responseCode = responseCode;
  }
}

type Hooks = {
  onRecipient?: (address: string) => void;
  /** Runs when the whole message has come, before it is answered. */
  onMail?: (mail: ReceivedMail) => void | Promise<void>;
};
export type MailServer = {
  port: number;
  received: ReceivedMail[];
  /** What clients said, so that what was never said can be shown. */
  commands: string[];
  close(): Promise<void>;
};

/** A real mail server on this machine; without TLS unless it is given a certificate. */
export async function startMailServer(
  hooks: Hooks = {},
  options: SMTPServerOptions & { port?: number } = {},
): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const commands: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.key === undefined ? ['STARTTLS'] : [],
    disableReverseLookup: true,
    logger: false,
    onMailFrom(address, _session, done) {
      commands.push(`MAIL FROM ${address.address}`);
      done();
    },
    onAuth({ username = '', password }, _session, done) {
      commands.push(`AUTH ${username}`);
      if (password === 'right') done(null, { user: username });
      else done(new SmtpRefusal(535, 'wrong password'));
    },
    onRcptTo({ address }, _session, done) {
      try {
        hooks.onRecipient?.(address);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => void parts.push(part));
      stream.on('end', () => {
        const raw = Buffer.concat(parts).toString('utf8');
        const mail = {
          recipients: session.envelope.rcptTo.map(({ address }) => address),
          raw,
          messageId: /^Message-ID: <(.+)>\r$/im.exec(raw)?.[1] ?? '',
          encrypted: session.secure,
          user: typeof session.user === 'string' ? session.user : undefined,
        };
        Promise.resolve()
          .then(() => hooks.onMail?.(mail))
          .then(
            () => {
              received.push(mail);
              done();
            },
            (error: unknown) => done(error as Error),
          );
      });
    },
    ...options,
  });
  server.on('error', () => {});
  const listening = server.listen(options.port ?? 0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  return {
    port: (listening.address() as AddressInfo).port,
    received,
    commands,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const { _socket } of server.connections) _socket.destroy();
      }),
  };
}

export function smtpSettings(port: number, more: Partial<SmtpSettings> = {}): SmtpSettings {
  const from = { name: 'Quittance', address: 'pay@quittance.example' };
  return { host: '127.0.0.1', port, tls: 'none', login: undefined, from, ...more };
}

export function mailerOptions(database: Database, smtp: SmtpSettings): MailerOptions {
  const log = { warn() {} };
  return { database, clock: systemClock, random, log, smtp, everyMs: 50 };
}
