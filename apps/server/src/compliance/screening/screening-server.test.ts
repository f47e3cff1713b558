import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import type { Loop } from '../../platform/loops/index.ts';
import { describeUpload, uploadList } from '../../processes/screening-upload.ts';
import { createAdminKey } from '../../tenancy/keys/index.ts';
import {
  openScreener,
  type OpenScreener,
  type RescreenPage,
  startListWork,
  startRescreening,
  tellOfStaleLists,
} from './index.ts';

/** A machine may be busy; what is waited for takes a second on one that is not. */
const WAIT = { timeout: 30_000, interval: 50 };
const HOUR_MS = 3_600_000;

let testDatabase: TestDatabase;
let api: TestApi;
let otherAdmin: string;
let work: Loop;
/** Another process: it has its own screener over the same database. */
let other: OpenScreener;
let shiftMs = 0;
const clock: Clock = { nowMs: () => systemClock.nowMs() + shiftMs };
const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
const alerts = {
  clock,
  ids,
  readAudience: async () => ({ store: 'S', locale: 'en', emails: ['op@example.org'] }) as const,
};
const failures: unknown[] = [];
const onError = (error: unknown) => void failures.push(error);

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
  const { database } = api;
  const random = (target: Uint8Array) => randomFillSync(target);
  const made = await createAdminKey(database, { clock, ids, random }, 'second person');
  otherAdmin = made.secret;
  work = startListWork({ database, clock, alerts, onError, everyMs: 200 });
  other = await openScreener({ database, clock, onError });
});
afterAll(async () => {
  await work?.stop();
  await other?.stop();
  await api?.close();
  await testDatabase?.drop();
  expect(failures).toEqual([]);
});

const admin = () => ({ key: api.adminKey });
const lists = '/v1/compliance/lists';
const versions = '/v1/compliance/list-versions';

async function putList(name: string, purpose = 'sanctions', maxAgeHours = 48): Promise<void> {
  const body = { title: name, purpose, maxAgeHours };
  const put = await api.send('PUT', `${lists}/${name}`, { ...admin(), body });
  expect(put.status, JSON.stringify(put.body)).toBe(200);
}

async function upload(version: string, file: string, text: string, part = 0): Promise<number> {
  const answer = await fetch(`${api.baseUrl}${versions}/${version}/files/${file}?part=${part}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${api.adminKey}`,
      'content-type': 'application/octet-stream',
    },
    body: text,
  });
  await answer.text();
  return answer.status;
}

/** Uploads files of a list, has them imported, and gives the version once it is compared. */
async function importVersion(list: string, format: string, files: Record<string, string[]>) {
  const made = await api.send('POST', `${lists}/${list}/versions`, {
    ...admin(),
    body: { format },
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { id } = made.body;
  for (const [file, parts] of Object.entries(files)) {
    for (const [part, text] of parts.entries()) {
      expect(await upload(id, file, text, part)).toBe(200);
    }
  }
  const started = await api.send('POST', `${versions}/${id}/import`, { ...admin(), body: {} });
  expect(started.body.state).toBe('queued');
  return await settled(id);
}

async function settled(id: string) {
  return await expect
    .poll(async () => {
      const { body } = await api.send('GET', `${versions}/${id}`, admin());
      return body.state === 'failed' || body.delta !== null ? body : undefined;
    }, WAIT)
    .toBeDefined()
    .then(async () => (await api.send('GET', `${versions}/${id}`, admin())).body);
}

async function signOff(id: string, digest: string, effectiveAt?: string, key = otherAdmin) {
  const body = effectiveAt === undefined ? { digest } : { digest, effectiveAt };
  return await api.send('POST', `${versions}/${id}/sign-off`, { key, body });
}

const entity = (id: string, name: string, more: object = {}) =>
  `${JSON.stringify({ id, schema: 'Person', datasets: ['x'], properties: { name: [name], ...more } })}\n`;

const screenName = async (name: string, key: string) =>
  (await api.send('POST', '/v1/compliance/screen/name', { key, body: { name } })).body;

describe('a version of a list', () => {
  test('is active only when a second person has signed it off, and then in every process', async () => {
    await putList('people');
    const shop = await api.createMerchant('Shop');
    const version = await importVersion('people', 'ftm', {
      'a.json': [
        entity('1', 'Zebulon Quartermain'),
        `${entity('2', 'Ottoline Vesterhaven')}broken\n`,
      ],
      'b.json': [entity('3', 'Bartholomew Kingsgrave', { birthDate: ['1970-05-01'] })],
    });
    expect(version).toMatchObject({
      state: 'imported',
      entryCount: 3,
      nameCount: 3,
      findingCount: 1,
      findings: [{ file: 'a.json', line: 3, message: 'not a JSON object' }],
      delta: { comparedTo: null, added: 3, removed: 0, changed: 0 },
    });
    expect(version.sources).toHaveLength(2);
    expect(await screenName('Zebulon Quartermain', shop.key)).toMatchObject({ hits: [] });

    const own = await signOff(version.id, version.digest, undefined, api.adminKey);
    expect(own.status).toBe(403);
    expect((await signOff(version.id, '0'.repeat(64))).status).toBe(409);
    const signed = await signOff(version.id, version.digest);
    expect(signed.body, JSON.stringify(signed.body)).toMatchObject({ state: 'active' });

    await expect
      .poll(() => other.versions().map(({ versionId }) => versionId), WAIT)
      .toEqual([version.id]);
    await expect
      .poll(async () => (await screenName('Zebulon Quartermain', shop.key)).hits[0]?.entryId, WAIT)
      .toBe('1');
    const found = await screenName('Ottoline Vesterhaven', shop.key);
    expect(found).toMatchObject({
      versions: [{ list: 'people', versionId: version.id, digest: version.digest }],
      hits: [{ list: 'people', entryId: '2', match: true, purpose: 'sanctions' }],
    });
    const [hit] = found.hits;
    const sum = hit.parts.reduce((all: number, part: { points: number }) => all + part.points, 0);
    expect(sum).toBe(hit.score);
  });

  test('tells what it changes, waits for its date, and takes the place of the one before', async () => {
    const before = other.versions()[0]?.versionId;
    const version = await importVersion('people', 'ftm', {
      'a.json': [entity('2', 'Ottoline Vesterhaven-Smythe') + entity('4', 'Peregrine Holloway')],
    });
    expect(version.delta).toMatchObject({
      ...{ comparedTo: before, added: 1, removed: 2, changed: 1, unchanged: 0 },
      sample: {
        added: [{ id: '4', name: 'Peregrine Holloway' }],
        changed: [{ id: '2', fields: ['names'] }],
      },
    });
    const effectiveAt = new Date(clock.nowMs() + HOUR_MS).toISOString();
    expect((await signOff(version.id, version.digest, effectiveAt)).body.state).toBe('approved');
    expect(other.versions()[0]?.versionId).toBe(before);
    shiftMs += HOUR_MS + 1_000;
    await expect.poll(() => other.versions()[0]?.versionId, WAIT).toBe(version.id);
    const query = { kind: 'person', birthDates: [], countries: [], gender: null } as const;
    expect(other.screenName({ ...query, name: 'Zebulon Quartermain' }).hits).toEqual([]);
    expect(other.screenName({ ...query, name: 'Peregrine Holloway' }).hits[0]?.match).toBe(true);
  });

  test('comes back by two persons, and everybody is screened again at each switch', async () => {
    const pages: RescreenPage[] = [];
    const loop = startRescreening({
      ...{ database: api.database, clock, screener: other, onError, everyMs: 200 },
      rescreener: {
        async rescreen(page) {
          pages.push(page);
          return { screened: 2, next: page.position === null ? 'second' : null };
        },
      },
    });
    await expect.poll(() => pages.map(({ position }) => position), WAIT).toEqual([null, 'second']);
    const now = other.versions()[0]?.versionId;
    const back = await api.send('POST', `${lists}/people/rollback`, { ...admin(), body: {} });
    expect(back.body).toMatchObject({ state: 'imported', signedOffBy: null });
    const former = await settled(back.body.id);
    expect(former.delta).toMatchObject({ comparedTo: now, added: 2, removed: 1, changed: 1 });
    expect((await signOff(former.id, former.digest, undefined, api.adminKey)).status).toBe(403);
    expect((await signOff(former.id, former.digest)).body.state).toBe('active');
    await expect.poll(() => other.versions()[0]?.versionId, WAIT).toBe(former.id);
    await expect.poll(() => pages.length, WAIT).toBe(4);
    expect(pages[3]?.epoch).toBe((pages[1]?.epoch ?? 0n) + 1n);
    await expect
      .poll(async () => (await api.send('GET', lists, admin())).body.rescreening, WAIT)
      .toMatchObject({ state: 'done', screened: '4' });
    await loop.stop();
  });

  test('that is cut or of another format fails with the reason, and nothing changes', async () => {
    const before = other.versions();
    const cut = await importVersion('people', 'un-xml', {
      'un.xml': ['<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID>'],
    });
    expect(cut).toMatchObject({ state: 'failed', digest: null });
    expect(cut.error).toContain('un.xml: line');
    expect(cut.error).not.toContain('/');
    expect(other.versions()).toBe(before);
    const chunks = await api.database.asSystem((tx) =>
      tx.query('SELECT 1 FROM screening_entry_chunk WHERE version_id = $1', [cut.id]),
    );
    expect(chunks).toEqual([]);
  });

  test('refuses files that come too late, parts that are missing, and no file at all', async () => {
    const create = async () =>
      (await api.send('POST', `${lists}/people/versions`, { ...admin(), body: { format: 'ftm' } }))
        .body.id;
    const empty = await create();
    expect(
      (await api.send('POST', `${versions}/${empty}/import`, { ...admin(), body: {} })).status,
    ).toBe(409);
    await upload(empty, 'a.json', 'x', 1);
    expect(
      (await api.send('POST', `${versions}/${empty}/import`, { ...admin(), body: {} })).status,
    ).toBe(409);
    const rejected = await api.send('POST', `${versions}/${empty}/reject`, {
      ...admin(),
      body: {},
    });
    expect(rejected.body.state).toBe('rejected');
    expect(await upload(empty, 'a.json', 'x')).toBe(409);
    expect(await upload(empty, '..%2Fa.json', 'x')).toBe(400);
    expect(await upload(empty, 'a.json', '')).toBe(400);
    expect(await upload(empty, 'a.json', 'x'.repeat(9 * 1024 * 1024))).toBe(413);
  });
});

describe('an import under way', () => {
  test('is begun anew by another worker once the first is silent, and ends once', async () => {
    await work.stop();
    await putList('resumed');
    const made = await api.send('POST', `${lists}/resumed/versions`, {
      ...admin(),
      body: { format: 'ftm' },
    });
    await upload(made.body.id, 'a.json', entity('1', 'Amaryllis Thornbury'));
    await api.send('POST', `${versions}/${made.body.id}/import`, { ...admin(), body: {} });
    // What a worker that died has left: a claim whose time is over, and a chunk of its own.
    await api.database.asSystem(async (tx) => {
      await tx.query(
        `UPDATE screening_list_version SET state = 'importing', attempt = 1, claimed_until = $2 WHERE id = $1`,
        [made.body.id, new Date(clock.nowMs() - 1)],
      );
      await tx.query(
        `INSERT INTO screening_entry_chunk (version_id, attempt, chunk, entry_count, body)
         VALUES ($1, 1, 0, 7, '\\x00')`,
        [made.body.id],
      );
    });
    work = startListWork({ database: api.database, clock, alerts, onError, everyMs: 200 });
    const version = await settled(made.body.id);
    expect(version).toMatchObject({ state: 'imported', entryCount: 1 });
    const chunks = await api.database.asSystem((tx) =>
      tx.query<{ attempt: number }>(
        'SELECT attempt FROM screening_entry_chunk WHERE version_id = $1',
        [made.body.id],
      ),
    );
    expect(chunks).toEqual([{ attempt: 2 }]);
  });
});

describe('addresses', () => {
  test('that are tagged are hit with what they are used for, in any spelling', async () => {
    await putList('tags', 'attribution');
    const pack =
      'title: Pack\ncurrency: BTC\ntags:\n' +
      '- address: bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq\n  label: Stir\n  category: mixing_service\n' +
      '- address: 1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n  label: Gate\n  category: market\n  abuse: ransomware\n';
    const version = await importVersion('tags', 'tagpack', { 'pack.yaml': [pack] });
    await signOff(version.id, version.digest);
    const shop = await api.createMerchant('Tagged');
    const ask = async (address: string) =>
      (
        await api.send('POST', '/v1/compliance/screen/address', {
          key: shop.key,
          body: { address },
        })
      ).body;
    await expect
      .poll(async () => (await ask('BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ')).hits, WAIT)
      .toMatchObject([{ list: 'tags', label: 'Stir', categories: ['mixer'], foreign: false }]);
    expect((await ask('1BoatSLRHtKNngkdXEeobR76b53LETtpyT')).hits).toMatchObject([
      { label: 'Gate', categories: ['darknet', 'ransomware'] },
    ]);
    expect(await ask('not an address')).toMatchObject({ isAddress: false, hits: [] });
  });

  test("on a store's own list are found by that store alone, and by an officer's hand only", async () => {
    const [mine, theirs] = [await api.createMerchant('Mine'), await api.createMerchant('Theirs')];
    const path = '/v1/compliance/addresses';
    const address = 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4';
    const body = { address, verdict: 'block', reason: 'chargebacks' };
    const added = await api.send('POST', path, { key: mine.key, body });
    expect(added.status, JSON.stringify(added.body)).toBe(201);
    expect((await api.send('POST', path, { key: mine.key, body })).status).toBe(409);
    const ask = async (key: string) =>
      (await api.send('POST', '/v1/compliance/screen/address', { key, body: { address } })).body
        .own;
    expect(await ask(mine.key)).toMatchObject({ verdict: 'block', address: address.toLowerCase() });
    expect(await ask(theirs.key)).toBeNull();
    const scopes = ['compliance:review'];
    const made = await api.send('POST', '/v1/api-keys', {
      key: mine.key,
      body: { name: 'r', scopes },
    });
    const reviewer = made.body.secret;
    expect((await api.send('POST', path, { key: reviewer, body })).status).toBe(403);
    expect((await api.send('GET', path, { key: reviewer })).body.data).toHaveLength(1);
    const gone = `${path}/${added.body.id}`;
    expect((await api.send('DELETE', gone, { key: theirs.key })).status).toBe(404);
    expect((await api.send('DELETE', gone, { key: mine.key })).status).toBe(200);
    expect(await ask(mine.key)).toBeNull();
    expect((await api.send('GET', path, { key: theirs.key })).body.data).toEqual([]);
  });
});

test('the command line imports files into a server, in parts, and tells what was read', async () => {
  await putList('by-hand');
  const folder = mkdtempSync(join(tmpdir(), 'quittance-upload-'));
  const file = join(folder, 'a list.json');
  const many = Array.from({ length: 3_000 }, (_, i) =>
    JSON.stringify({
      id: `w${i}`,
      schema: 'CryptoWallet',
      datasets: ['x'],
      properties: {
        publicKey: [`1${'x'.repeat(60)}${i}`],
        topics: ['crime.theft'],
        notes: ['n'.repeat(3_000)],
        currency: ['BTC'],
      },
    }),
  );
  writeFileSync(file, `${many.join('\n')}\nbroken\n`);
  const upload = { server: `${api.baseUrl}/`, key: api.adminKey, list: 'by-hand', format: 'ftm' };
  const version = await uploadList({ ...upload, files: [file] });
  rmSync(folder, { recursive: true });
  expect(version).toMatchObject({ state: 'imported', entryCount: 3_000, findingCount: 3_001 });
  expect(version.sources).toMatchObject([{ file: 'a_list.json' }]);
  expect(version.sources[0]?.bytes).toBeGreaterThan(8 * 1024 * 1024);
  expect(describeUpload(version)[0]).toBe(
    'by-hand: 3000 entries, 0 names, 3000 addresses; 3000 new, 0 gone, 0 changed',
  );
  await expect(uploadList({ ...upload, list: 'none', files: [file] })).rejects.toThrow(
    'no such list',
  );
}, 60_000);

test('a list that is older than it may be raises one alert, which a fresh version ends', async () => {
  await putList('ageing', 'sanctions', 1);
  const open = async () =>
    await api.database.asSystem((tx) =>
      tx.query<{ subject: string; data: unknown }>(
        `SELECT subject, data FROM alert WHERE kind = 'screening_list_stale' AND resolved_at IS NULL
            AND subject = 'ageing'`,
      ),
    );
  await tellOfStaleLists(api.database, alerts);
  expect(await open()).toEqual([]);
  shiftMs += 2 * HOUR_MS;
  await tellOfStaleLists(api.database, alerts);
  await tellOfStaleLists(api.database, alerts);
  expect(await open()).toEqual([
    { subject: 'ageing', data: { list: 'ageing', hours: '2', maxHours: '1' } },
  ]);
  const fresh = await importVersion('ageing', 'ftm', {
    'a.json': [entity('1', 'Isolde Marchbanks')],
  });
  await signOff(fresh.id, fresh.digest);
  await tellOfStaleLists(api.database, alerts);
  expect(await open()).toEqual([]);
});
