import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, manualClock, systemClock, type Uuid } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { Secret } from '../../platform/config/index.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { type MailerOptions, startMailer } from './mailer.ts';
import { raiseAlert } from './raise-alert.ts';
import { STALE_AFTER_MS } from './schedule.ts';
import { openSmtp, type SmtpSettings } from './smtp.ts';
import {
  alertDeps,
  lowWallet,
  type MailServer,
  mailerOptions,
  newMerchant,
  SmtpRefusal,
  smtpSettings,
  startMailServer,
} from './test-support.ts';

let testDatabase: TestDatabase;
let database: Database;
let merchant: Uuid;
let folder: string;
const certificate = { key: '', cert: '' };
const cleanups: (() => Promise<void>)[] = [];
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
  folder = mkdtempSync(join(tmpdir(), 'quittance-mailer-test-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...args, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  certificate.key = readFileSync(key, 'utf8');
  certificate.cert = readFileSync(cert, 'utf8');
});
beforeEach(async () => {
  merchant = await newMerchant(database);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await database.asSystem((tx) => tx.query(`UPDATE alert_email SET state = 'failed'`));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.close();
  await testDatabase.drop();
});

async function serve(...options: Parameters<typeof startMailServer>): Promise<MailServer> {
  const server = await startMailServer(...options);
  cleanups.push(() => server.close());
  return server;
}

function start(smtp: SmtpSettings, more: Partial<MailerOptions> = {}) {
  const mailer = startMailer({ ...mailerOptions(database, smtp), ...more });
  cleanups.push(() => mailer.stop());
  return mailer;
}

async function raise(emails: readonly string[], more: { clock?: Clock; subject?: string } = {}) {
  const { subject = 'wallet 1', clock = systemClock } = more;
  const deps = alertDeps({ clock, audience: { emails } });
  return database.asTenant(merchant, (tx) =>
    raiseAlert(tx, deps, lowWallet(merchant, { subject })),
  );
}

type Stored = { id: Uuid; recipient: string; state: string; attempts: number; last_error: string };
async function stored(): Promise<Stored[]> {
  return database.asSystem((tx) =>
    tx.query(
      `SELECT id, recipient, state, attempts, last_error FROM alert_email
       WHERE merchant_id = $1 ORDER BY recipient`,
      [merchant],
    ),
  );
}
const states = async () => (await stored()).map(({ state }) => state);
const until = { timeout: 15_000, interval: 20 };

test('each recipient gets one e-mail of its own, with a stable id', async () => {
  const server = await serve();
  await raise(['a@shop.example', 'b@shop.example']);
  start(smtpSettings(server.port));
  start(smtpSettings(server.port));
  await expect.poll(states, until).toEqual(['sent', 'sent']);
  const mails = server.received.toSorted((x, y) =>
    (x.recipients[0] ?? '') < (y.recipients[0] ?? '') ? -1 : 1,
  );
  expect(mails.map(({ recipients }) => recipients)).toEqual([
    ['a@shop.example'],
    ['b@shop.example'],
  ]);
  const ids = (await stored()).map(({ id }) => `${id}@quittance.example`);
  expect(mails.map(({ messageId }) => messageId)).toEqual(ids);
  const [first] = mails;
  expect(first?.raw).toContain('From: Quittance <pay@quittance.example>');
  expect(first?.raw).not.toContain('b@shop.example');
});

test('twenty alerts and three mailers: every e-mail is sent exactly once', async () => {
  const server = await serve();
  for (let i = 0; i < 20; i++) await raise(['a@shop.example'], { subject: `w${i}` });
  for (let i = 0; i < 3; i++) start(smtpSettings(server.port));
  await expect.poll(async () => new Set(await states()), until).toEqual(new Set(['sent']));
  expect(server.received).toHaveLength(20);
  expect(new Set(server.received.map(({ messageId }) => messageId)).size).toBe(20);
});

test('a raised alert is sent at once: the bell is heard', async () => {
  const server = await serve();
  start(smtpSettings(server.port), { everyMs: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await raise(['a@shop.example']);
  await expect.poll(() => server.received.length, { ...until, timeout: 5_000 }).toBe(1);
});

test('"come back later" is tried again after a while, and then arrives', async () => {
  const clock = manualClock(systemClock.nowMs());
  let refusals = 2;
  const server = await serve({
    onRecipient() {
      if (refusals-- > 0) throw new SmtpRefusal(451, 'greylisted, try again later');
    },
  });
  const outcomes: string[] = [];
  start(smtpSettings(server.port), { clock, onAttempt: (outcome) => void outcomes.push(outcome) });
  await raise(['a@shop.example'], { clock });
  await expect.poll(() => outcomes, until).toEqual(['retry']);
  expect((await stored())[0]?.last_error).toContain('greylisted');
  clock.advance(40_000);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(outcomes).toEqual(['retry']);
  clock.advance(40_000);
  await expect.poll(() => outcomes, until).toEqual(['retry', 'retry']);
  clock.advance(200_000);
  await expect.poll(() => outcomes, until).toEqual(['retry', 'retry', 'sent']);
  expect(server.received).toHaveLength(1);
});

test('an unknown mailbox ends its own e-mail and no other', async () => {
  const server = await serve({
    onRecipient(address) {
      if (address.startsWith('gone')) throw new SmtpRefusal(550, '5.1.1 no such mailbox');
    },
  });
  await raise(['gone@shop.example', 'here@shop.example']);
  start(smtpSettings(server.port));
  await expect.poll(states, until).toEqual(['failed', 'sent']);
  expect(await stored()).toMatchObject([
    { attempts: 1, last_error: expect.stringContaining('no such mailbox') },
    { attempts: 1 },
  ]);
});

test('a message that is refused for good after it was read has failed', async () => {
  const server = await serve({
    onMail() {
      throw new SmtpRefusal(554, 'looks like spam');
    },
  });
  await raise(['a@shop.example']);
  start(smtpSettings(server.port));
  await expect.poll(states, until).toEqual(['failed']);
});

test('while the mail server is down nothing is lost and it is not hammered; once back, all arrive', async () => {
  const first = await serve();
  const { port } = first;
  await first.close();
  const clock = manualClock(systemClock.nowMs());
  let attempts = 0;
  for (let i = 0; i < 10; i++) await raise(['a@shop.example'], { subject: `w${i}`, clock });
  start(smtpSettings(port), { clock, onAttempt: () => void attempts++ });
  await expect.poll(() => attempts, until).toBe(4);
  await new Promise((resolve) => setTimeout(resolve, 300));
  // One round of four, then rest, however long the queue.
  expect(attempts).toBe(4);
  const server = await serve({}, { port });
  expect(server.port).toBe(port);
  clock.advance(7_000);
  await expect.poll(async () => new Set(await states()), until).toEqual(new Set(['sent']));
  expect(server.received).toHaveLength(10);
});

test('after a day of failures an e-mail has failed', async () => {
  const clock = manualClock(systemClock.nowMs());
  const server = await serve({
    onRecipient() {
      throw new SmtpRefusal(452, 'mailbox full');
    },
  });
  await raise(['a@shop.example'], { clock });
  let attempts = 0;
  start(smtpSettings(server.port), { clock, onAttempt: () => void attempts++ });
  while ((await states())[0] === 'pending') {
    const before = attempts;
    await expect.poll(() => attempts, until).toBe(before + 1);
    clock.advance(3 * 3_600_000);
  }
  expect(await states()).toEqual(['failed']);
  expect(attempts).toBe(9);
});

test('an e-mail that waited for days without a mailer is news no more', async () => {
  const clock = manualClock(systemClock.nowMs());
  const server = await serve();
  await raise(['a@shop.example'], { clock, subject: 'old' });
  clock.advance(STALE_AFTER_MS);
  await raise(['b@shop.example'], { clock, subject: 'new' });
  clock.advance(1);
  start(smtpSettings(server.port), { clock });
  await expect.poll(states, until).toEqual(['failed', 'sent']);
  expect(server.received.map(({ recipients }) => recipients)).toEqual([['b@shop.example']]);
});

test('a mailer killed between sending and marking: the same e-mail comes again, never none', async () => {
  const script = fileURLToPath(new URL('./mailer-process.test-support.ts', import.meta.url));
  let kill = (): void => undefined;
  const server = await serve({ onMail: () => kill() });
  const args = [script, testDatabase.ownerUrl, String(server.port)];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  kill = () => void child.kill('SIGKILL');
  await raise(['a@shop.example']);
  await exited;
  kill = () => undefined;
  // The server has taken it; nobody wrote that down.
  await expect.poll(() => server.received.length, until).toBe(1);
  expect(await stored()).toMatchObject([{ state: 'pending', attempts: 1 }]);
  start(smtpSettings(server.port));
  await expect.poll(states, until).toEqual(['sent']);
  expect(server.received).toHaveLength(2);
  const [one, again] = server.received;
  expect(again?.messageId).toBe(one?.messageId);
  const plain = (raw = '') => raw.replaceAll(/--_NmP-[^\s"]+/g, '--boundary');
  expect(plain(again?.raw)).toBe(plain(one?.raw));
});

test('STARTTLS is demanded: a server without it gets no word of an e-mail', async () => {
  const server = await serve();
  await raise(['a@shop.example']);
  const login = { user: 'u', password: new Secret('right') };
  let attempts = 0;
  start(smtpSettings(server.port, { tls: 'starttls', login }), {
    onAttempt: () => void attempts++,
  });
  await expect.poll(() => attempts, until).toBe(1);
  expect(await stored()).toMatchObject([{ state: 'pending', last_error: expect.any(String) }]);
  expect(server.commands).toEqual([]);
  expect(server.received).toEqual([]);
});

test('a certificate that nobody vouches for gets neither the password nor an e-mail', async () => {
  const server = await serve({}, certificate);
  await raise(['a@shop.example']);
  const login = { user: 'u', password: new Secret('right') };
  let attempts = 0;
  start(smtpSettings(server.port, { tls: 'starttls', login }), {
    onAttempt: () => void attempts++,
  });
  await expect.poll(() => attempts, until).toBe(1);
  expect((await stored())[0]?.last_error).toContain('self-signed');
  expect(server.commands).toEqual([]);
});

test('over STARTTLS and over implicit TLS, with a login, e-mails are sent encrypted', async () => {
  for (const tls of ['starttls', 'implicit'] as const) {
    const server = await serve(
      {},
      { ...certificate, secure: tls === 'implicit', authOptional: false },
    );
    await raise(['a@shop.example'], { subject: tls });
    const login = { user: 'u', password: new Secret('right') };
    const mailer = start(smtpSettings(server.port, { tls, login, trustedCa: certificate.cert }));
    await expect.poll(() => server.received.length, until).toBe(1);
    expect(server.received[0]).toMatchObject({ encrypted: true, user: 'u' });
    await expect.poll(async () => new Set(await states()), until).toEqual(new Set(['sent']));
    await mailer.stop();
  }
});

test('a wrong password costs no e-mail: with the right one it arrives', async () => {
  const server = await serve({}, { ...certificate, authOptional: false });
  await raise(['a@shop.example']);
  const settings = (password: string) => {
    const login = { user: 'u', password: new Secret(password) };
    return smtpSettings(server.port, { tls: 'starttls', login, trustedCa: certificate.cert });
  };
  let attempts = 0;
  const mailer = start(settings('wrong'), { onAttempt: () => void attempts++ });
  await expect.poll(() => attempts, until).toBe(1);
  await mailer.stop();
  expect(await states()).toEqual(['pending']);
  expect(server.received).toEqual([]);
  await expect(openSmtp(settings('wrong')).verify()).rejects.toThrow('535');
  await openSmtp(settings('right')).verify();
  await database.asSystem((tx) => tx.query('UPDATE alert_email SET next_attempt_at = now()'));
  start(settings('right'));
  await expect.poll(states, until).toEqual(['sent']);
});

test('e-mails go on after every connection to the database was cut', async () => {
  const server = await serve();
  start(smtpSettings(server.port), { leaseMs: 1_000 });
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  cleanups.push(() => owner.end());
  let raised = 0;
  let connectionsCut = 0;
  for (let i = 0; i < 5; i++) {
    try {
      await raise(['a@shop.example'], { subject: `w${i}` });
      raised++;
    } catch {
      // The cut may hit this very transaction; then the alert was never raised.
    }
    const { rowCount } = await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    connectionsCut += rowCount ?? 0;
  }
  expect(connectionsCut).toBeGreaterThan(0);
  expect(raised).toBeGreaterThan(0);
  const allSent = async () => (await states()).every((state) => state === 'sent');
  await expect.poll(allSent, until).toBe(true);
  const different = new Set(server.received.map(({ messageId }) => messageId)).size;
  expect(different).toBeGreaterThanOrEqual(raised);
});
