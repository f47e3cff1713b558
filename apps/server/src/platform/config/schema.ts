import { emailText } from '@quittance/contract';
import { z } from 'zod';
import { Secret } from './secret.ts';

/** How the text of an environment variable becomes the value that the file would hold. */
export type SettingKind = 'text' | 'integer' | 'boolean' | 'list' | 'json';
type SettingMeta = { kind: SettingKind; what: string; secret?: boolean; env?: string };

export const NETWORKS = ['mainnet', 'testnet4', 'signet', 'regtest'] as const;
export const SMTP_TLS = ['starttls', 'implicit', 'none'] as const;
export const ROLES = ['all', 'api', 'watcher', 'worker'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Ports that each network's node answers RPC on when nothing else is said. */
export const RPC_PORTS = { mainnet: 8332, testnet4: 48332, signet: 38332, regtest: 18443 } as const;

/** A group of settings; left out, each of them takes its default. */
function section<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, 'write an object with settings in it').prefault(() => ({}) as never);
}

function describe<T extends z.ZodType>(schema: T, meta: SettingMeta): T {
  return schema.meta({ ...meta });
}

function text(what: string) {
  return describe(z.string('write a text').min(1, 'write something or leave it out'), {
    kind: 'text',
    what,
  });
}

function secret(what: string, env?: string) {
  const schema = z
    .string('write a text')
    .min(1, 'write something or leave it out')
    .transform((value) => new Secret(value));
  return describe(schema, {
    kind: 'text',
    what,
    secret: true,
    ...(env === undefined ? {} : { env }),
  });
}

function flag(fallback: boolean, what: string) {
  return describe(z.boolean('write true or false').default(fallback), { kind: 'boolean', what });
}

function integer(bounds: { min: number; max: number }, what: string) {
  const message = `write a whole number from ${bounds.min} to ${bounds.max}`;
  const schema = z.int(message).min(bounds.min, message).max(bounds.max, message);
  return describe(schema, { kind: 'integer', what });
}

function integerOr(fallback: number, bounds: { min: number; max: number }, what: string) {
  const message = `write a whole number from ${bounds.min} to ${bounds.max}`;
  const schema = z.int(message).min(bounds.min, message).max(bounds.max, message).default(fallback);
  return describe(schema, { kind: 'integer', what });
}

function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
  fallback: T[number],
  what: string,
) {
  const schema = z.enum(values, `write one of ${values.join(', ')}`);
  return describe(
    schema.default(() => schema.parse(fallback)),
    { kind: 'text', what },
  );
}

function httpUrl(what: string) {
  const schema = z
    .string('write an address such as "https://pay.example.com"')
    .refine(isHttpUrl, 'write an address that begins with http:// or https://')
    .refine((value) => !isHttpUrl(value) || new URL(value).username === '', {
      message: 'take the user and the password out of the address; they have settings of their own',
    });
  return describe(schema, { kind: 'text', what });
}

function zmqEndpoint(what: string) {
  const message = 'write an address such as "tcp://127.0.0.1:28332" or "ipc:///run/bitcoin.sock"';
  return describe(
    z
      .string(message)
      .regex(/^(tcp:\/\/[^/\s]+:\d{1,5}|ipc:\/\/\S+)$/, message)
      .optional(),
    { kind: 'text', what },
  );
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
}

function isPostgresUrl(value: string): boolean {
  return URL.canParse(value) && ['postgres:', 'postgresql:'].includes(new URL(value).protocol);
}

/** Each alert costs an e-mail to each; a larger circle has a mailing list. */
const MAX_OPERATORS = 10;
/** A name in front of the address, without what has a meaning in a header (RFC 5322 §3.2.3). */
const MAILBOX = /^(?:([^\p{Cc}"(),:;<>@[\\\]]{1,100}?) *<([^<> ]+)>|([^<> ]+))$/u;

function mailbox(what: string) {
  const message = 'write "pay@example.com" or "Quittance <pay@example.com>"';
  const schema = z.string(message).transform((value, context) => {
    const [, name = '', inBrackets, alone] = MAILBOX.exec(value.trim()) ?? [];
    const address = emailText.safeParse(inBrackets ?? alone);
    if (address.success) return { name: name.trim(), address: address.data };
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
  return describe(schema, { kind: 'text', what });
}

const PRICE = /^(0|[1-9][0-9]*)(\.[0-9]{1,8})?$/;
const PORT = { min: 0, max: 65_535 };

/**
 * Every setting of the server, once: its type, its limits, its default and what it is for.
 * docs/configuration.md is written from this table, and a test compares the two.
 */
export const configSchema = z.strictObject({
  role: oneOf(
    ROLES,
    'all',
    'Which part this process plays: everything, or one of api, watcher, worker.',
  ),
  network: oneOf(
    NETWORKS,
    'mainnet',
    'The Bitcoin network. The node and every descriptor must be on it.',
  ),
  dataDir: text(
    'Folder for what the server keeps on disk: the embedded database, if that is used.',
  ).default('./data'),
  secretsKeyFile: text(
    'The key with which credentials of Lightning nodes and cards lie sealed in the database, made at the first start. Back it up apart from the database. Left out: secrets.key under dataDir.',
  ).optional(),
  publicUrl: httpUrl(
    'The address under which customers reach this server; stands in links and redirects. Left out: http://<http.host>:<http.port>.',
  ).optional(),
  databaseUrl: secretDatabaseUrl(),
  startHeight: integer(
    { min: 0, max: 100_000_000 },
    'The block to start reading from on the first start. Left out: the tip at that time.',
  ).optional(),
  http: section({
    host: text(
      'The address to listen on. Put a TLS proxy in front before it faces the internet.',
    ).default('127.0.0.1'),
    port: integerOr(3000, PORT, 'The port to listen on; 0 lets the operating system choose.'),
    trustProxy: describe(z.array(z.string().min(1), 'write a list of addresses').default([]), {
      kind: 'list',
      what: 'Addresses or ranges (CIDR) of the proxies in front, whose X-Forwarded-For is believed. Empty: nobody is.',
    }),
  }),
  bitcoin: section({
    rpcUrl: httpUrl(
      'The node’s RPC address. Left out: 127.0.0.1 with the network’s usual port.',
    ).optional(),
    rpcUser: text('RPC user (rpcauth). Give this and rpcPassword, or cookieFile.').optional(),
    rpcPassword: secret('RPC password.').optional(),
    cookieFile: text(
      'Path of the node’s .cookie file; read anew whenever the node refuses it.',
    ).optional(),
    zmqRawTx: zmqEndpoint(
      'The node’s -zmqpubrawtx address: payments are seen within milliseconds.',
    ),
    zmqHashBlock: zmqEndpoint('The node’s -zmqpubhashblock address.'),
    zmqSequence: zmqEndpoint(
      'The node’s -zmqpubsequence address: tells when a mempool event was missed.',
    ),
    restLoopbackOnly: flag(
      true,
      'Use the node’s REST interface only when the node is on this machine: REST has no password and no encryption.',
    ),
  }),
  signer: section({
    socket: text(
      'The signer’s socket. Alone: of a signer that runs by itself. With dir: where it shall listen. Without either, transactions are signed elsewhere.',
    ).optional(),
    dir: text(
      'The signer’s folder; its process is then started with this one (role all or worker).',
    ).optional(),
    keyFile: text('The file that opens the signer’s vault in dir.').optional(),
    approverFile: text(
      'The key with which this server approves payouts by itself, made at the first start. Left out: approver.key under dataDir.',
    ).optional(),
  }),
  rates: section({
    sources: describe(z.array(z.string().min(1), 'write a list of names').min(1).optional(), {
      kind: 'list',
      what: 'Which public exchanges to ask. Left out: all that the program knows.',
    }),
    fixed: describe(
      z
        .record(
          z.string().regex(/^[A-Z]{3}$/, 'write a currency code such as "USD"'),
          z
            .string('write the price as a text such as "65000.00"')
            .regex(PRICE, 'write a plain decimal such as "65000.00"'),
        )
        .default({}),
      {
        kind: 'json',
        what: 'Fixed prices of one bitcoin by currency, for tests and demonstrations: {"USD": "65000.00"}. Never in production.',
      },
    ),
  }),
  webhooks: section({
    allowPrivateAddresses: flag(
      false,
      'Let webhooks reach private and loopback addresses. True opens your own network to whoever may set a webhook.',
    ),
    allowHttp: flag(false, 'Let webhooks use http:// without encryption.'),
  }),
  lightningAddresses: section({
    privateHosts: describe(z.array(z.string().min(1), 'write a list of names').default([]), {
      kind: 'list',
      what: 'Names or addresses of servers behind Lightning addresses and LNURLs that may be on a private network. Of all others only public addresses are asked.',
    }),
    allowHttp: flag(
      false,
      'Let LNURLs use http:// without encryption, and ask the privateHosts so. For tests and demonstrations.',
    ),
  }),
  lightning: section({
    embeddedDir: text(
      'Folder of a Lightning node that is started with this server (role all), for one store to connect as "embedded"; other roles use the one that runs there. For tests on regtest alone: its library is older than fixes of its upstream.',
    ).optional(),
    allowPrivateAddresses: flag(
      false,
      'Let stores connect Lightning nodes at private and loopback addresses, such as one on this machine. True opens your own network to whoever may connect a node.',
    ),
  }),
  smtp: section({
    host: text(
      'The mail server that takes e-mails about alerts. Left out: alerts are told by webhook and API only.',
    ).optional(),
    port: integer(
      { min: 1, max: 65_535 },
      'Its port. Left out: 587, or 465 with smtp.tls implicit.',
    ).optional(),
    tls: oneOf(
      SMTP_TLS,
      'starttls',
      'starttls encrypts before anything is said, or sends nothing; implicit is TLS from the start; none is for a mail server on this machine.',
    ),
    user: text('User of the mail server. Give this and smtp.password, or neither.').optional(),
    password: secret('Password of the mail server.').optional(),
    from: mailbox(
      'The sender of the e-mails: an address, or a name and an address such as "Quittance <pay@example.com>".',
    ).optional(),
    operatorEmails: describe(
      z.array(emailText, 'write a list of e-mail addresses').max(MAX_OPERATORS).default([]),
      {
        kind: 'list',
        what: 'Who is told of alerts of the server itself, such as a node that can not be reached. Stores set their own addresses (alertEmails).',
      },
    ),
  }),
  filings: section({
    schemaFolder: text(
      'Folder with the XSDs of the authorities that reports are filed with, under their own names (EFL_SARXBatchSchema.xsd, EFL_CTRXBatchSchema.xsd, goAMLSchema.xsd). Left out: reports are kept as unvalidated.',
    ).optional(),
  }),
  log: section({
    level: oneOf(LOG_LEVELS, 'info', 'The least important line that is still written.'),
    pretty: flag(false, 'Short lines for a person’s eyes instead of JSON.'),
  }),
  metrics: section({
    host: text('The address to serve /metrics on when metrics.port is set.').default('127.0.0.1'),
    port: integer(
      PORT,
      'A port of its own for /metrics. Left out: it is served beside the API.',
    ).optional(),
  }),
  limits: section({
    requestsPerMinute: integerOr(
      600,
      { min: 1, max: 10_000_000 },
      'Requests per minute and caller that carry no API key.',
    ),
    keyRequestsPerMinute: integer(
      { min: 1, max: 10_000_000 },
      'Requests per minute and API key, of each kind (reading, changing, making orders). Left out: bounds that stop only a program run wild.',
    ).optional(),
    socketsPerAddress: integerOr(
      100,
      { min: 1, max: 1_000_000 },
      'Open WebSockets per caller’s address.',
    ),
  }),
});

function secretDatabaseUrl() {
  const message = 'write an address such as "postgres://owner:password@host:5432/quittance"';
  const schema = z
    .string(message)
    .refine(isPostgresUrl, message)
    .refine((value) => !isPostgresUrl(value) || new URL(value).password !== '', {
      message:
        'the address needs the owner’s password: the working roles’ passwords derive from it',
    })
    .transform((value) => new Secret(value))
    .optional();
  return describe(schema, {
    kind: 'text',
    secret: true,
    env: 'DATABASE_URL',
    what: 'PostgreSQL (15 or newer), as a role that may create roles and owns the database. Left out: an embedded one under dataDir.',
  });
}

export type Config = z.output<typeof configSchema>;
export type Network = Config['network'];
