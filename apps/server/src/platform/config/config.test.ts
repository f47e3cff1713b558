import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { ConfigError, loadConfig, Secret, settings, settingsMarkdown } from './index.ts';

function load(file: unknown, env: Record<string, string> = {}) {
  return loadConfig({ configPath: 'quittance.json', env, readText: () => JSON.stringify(file) });
}

function problems(work: () => unknown): Record<string, string> {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) {
      return Object.fromEntries(error.problems.map(({ where, detail }) => [where, detail]));
    }
    throw error;
  }
  return {};
}

test('without a file and an environment every setting takes its default', () => {
  const config = loadConfig({ env: {} });
  expect(config.http).toEqual({ host: '127.0.0.1', port: 3000, trustProxy: [] });
  expect(config.databaseUrl).toBeUndefined();
});

test('the environment wins over the file, the file over the default', () => {
  const config = load(
    { http: { port: 4000, host: '0.0.0.0' }, network: 'signet' },
    { QUITTANCE_HTTP_PORT: '5000' },
  );
  expect(config.http.port).toBe(5000);
  expect(config.http.host).toBe('0.0.0.0');
  expect(config.network).toBe('signet');
  expect(config.log.level).toBe('info');
});

test('every setting can be given in the environment alone', () => {
  const values: Record<string, string> = { integer: '7', boolean: 'true', json: '{"USD":"1.00"}' };
  const special: Record<string, string> = {
    network: 'regtest',
    role: 'watcher',
    'log.level': 'debug',
    databaseUrl: 'postgres://o:p@h/d',
    publicUrl: 'https://pay.example.com',
    'bitcoin.rpcUrl': 'http://127.0.0.1:18443',
    'bitcoin.zmqRawTx': 'tcp://127.0.0.1:1',
    'bitcoin.zmqHashBlock': 'tcp://127.0.0.1:2',
    'bitcoin.zmqSequence': 'ipc:///run/x.sock',
    'smtp.tls': 'implicit',
    'smtp.from': 'Quittance <pay@example.com>',
    'smtp.operatorEmails': 'a@example.com, b@example.com',
  };
  const env: Record<string, string> = {};
  for (const { path, env: name, kind } of settings) {
    if (path !== 'bitcoin.cookieFile') env[name] = special[path] ?? values[kind] ?? 'a, b';
  }
  const config = loadConfig({ env });
  expect(config.http.trustProxy).toEqual(['a', 'b']);
  expect(config.rates.fixed).toEqual({ USD: '1.00' });
  expect(config.bitcoin.restLoopbackOnly).toBe(true);
  expect(config.bitcoin.zmqSequence).toBe('ipc:///run/x.sock');
  expect(config.smtp.from).toEqual({ name: 'Quittance', address: 'pay@example.com' });
  expect(config.startHeight).toBe(7);
});

test('all mistakes are named at once, each where it was made and with what to do', () => {
  const found = problems(() =>
    load(
      { http: { prot: 1 }, htp: {}, bitcoin: { rpcUser: 'x' }, startHeight: -1 },
      { QUITTANCE_HTTP_PRT: '1', QUITTANCE_NETWORK: 'main', QUITTANCE_LOG_PRETTY: 'yes' },
    ),
  );
  expect(found).toEqual({
    'http.prot': 'there is no such setting; did you mean http.port?',
    htp: 'there is no such setting; did you mean http?',
    'bitcoin.rpcPassword': 'rpcUser and rpcPassword need each other; add this one',
    startHeight: 'write a whole number from 0 to 100000000',
    QUITTANCE_HTTP_PRT: 'there is no such variable; did you mean QUITTANCE_HTTP_PORT?',
    QUITTANCE_NETWORK: 'write one of mainnet, testnet4, signet, regtest',
    QUITTANCE_LOG_PRETTY: 'write true or false',
  });
});

test('a file that is missing, no JSON or no object is a clear error that quotes nothing', () => {
  const missing = problems(() => loadConfig({ configPath: '/no/such/file.json', env: {} }));
  expect(missing['/no/such/file.json']).toContain('can not be read');
  const broken = problems(() =>
    loadConfig({
      configPath: 'f',
      env: {},
      readText: () => '{"bitcoin":{"rpcPassword": hunter2}}',
    }),
  );
  expect(broken['f']).toContain('is not valid JSON');
  expect(broken['f']).not.toContain('hunter2');
  expect(problems(() => load([1]))['quittance.json']).toContain('one JSON object');
});

test('a group that is given as something else is an error, not silently replaced', () => {
  const found = problems(() => load({ http: 'x' }, { QUITTANCE_HTTP_PORT: '1' }));
  expect(found['http']).toContain('write an object');
});

test('credentials inside the RPC address and a cookie beside a password are refused', () => {
  const inside = problems(() => load({ bitcoin: { rpcUrl: 'http://u:p@127.0.0.1:8332' } }));
  expect(inside['bitcoin.rpcUrl']).toContain('settings of their own');
  const both = { cookieFile: '/c', rpcUser: 'u', rpcPassword: 'p' };
  expect(problems(() => load({ bitcoin: both }))['bitcoin']).toContain('either cookieFile');
});

test('a secret prints nowhere: text, JSON, inspection, template, error', () => {
  const config = load(
    { bitcoin: { rpcUser: 'u', rpcPassword: 'hunter2' } },
    { DATABASE_URL: 'postgres://owner:hunter3@db/quittance' },
  );
  const printed = [
    JSON.stringify(config),
    inspect(config, { depth: 10, showHidden: true }),
    `${config.databaseUrl} ${String(config.bitcoin.rpcPassword)}`,
    String(problems(() => load({}, { DATABASE_URL: 'mysql://owner:hunter4@db' }))),
  ].join('\n');
  expect(printed).not.toMatch(/hunter/);
  expect(config.bitcoin.rpcPassword?.reveal()).toBe('hunter2');
  expect(new Secret('x').reveal()).toBe('x');
});

test('docs/configuration.md holds exactly the settings of the schema', () => {
  const url = new URL('../../../../../docs/configuration.md', import.meta.url);
  const page = readFileSync(url, 'utf8');
  const table = /<!-- settings: begin[^>]*-->\n([\s\S]*?)\n<!-- settings: end -->/.exec(page)?.[1];
  expect(table).toBe(settingsMarkdown());
});

test('a mail server without what it needs, or without encryption afar, is named', () => {
  const host = 'mail.example.com';
  const from = 'pay@example.com';
  const where = (smtp: object) => Object.keys(problems(() => load({ smtp })));
  expect(where({ host, from })).toEqual([]);
  expect(where({ host })).toEqual(['smtp.from']);
  expect(where({ from })).toEqual(['smtp.host']);
  expect(where({ host, from, user: 'u' })).toEqual(['smtp.password']);
  expect(where({ host, from, password: 'p' })).toEqual(['smtp.user']);
  expect(where({ host, from, tls: 'none' })).toEqual(['smtp.tls']);
  expect(where({ host: 'localhost', from, tls: 'none' })).toEqual([]);
  for (const odd of [
    'pay',
    'a@b.cc, c@d.ee',
    'X <a@b.cc',
    'A\r\nBcc: x@y.zz <a@b.cc>',
    'a"b" <a@b.cc>',
  ]) {
    expect(where({ host, from: odd }), odd).toEqual(['smtp.from']);
  }
});
