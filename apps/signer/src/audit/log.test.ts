import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../refusals.ts';
import { formatLine } from './chain.ts';
import type { SignedEvent } from './entry.ts';
import { openLog, verifyLog } from './log.ts';
import { MAX_REMEMBERED_REQUESTS, usage } from './state.ts';

const KEY = new Uint8Array(32).fill(3);
const FIRST = '000001.jsonl';
let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'signer-log-')), 'audit');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const open = (segmentBytes?: number) =>
  openLog(folder, { key: KEY, ...(segmentBytes === undefined ? {} : { segmentBytes }) });

function signed(n: number, fields: Partial<SignedEvent> = {}): SignedEvent {
  const id = `payout-${n}`;
  return {
    ...{ method: 'sign', decision: 'signed', requestId: `r-${n}`, digest: `d-${n}` },
    ...{ wallet: 'main', kind: 'payouts', txid: 'aa', inputs: [`coin-${n}:0`, `coin-${n}:1`] },
    outputs: [{ script: '00', sats: '5', role: 'change', index: n }],
    payouts: [{ id, terms: `t-${n}`, sats: '1000', again: false }],
    ...{ feeSats: '10', vsize: 100, approvers: ['a'], complete: true },
    ...{ countedSats: '1010', countedPayouts: 1 },
    ...fields,
  } as SignedEvent;
}

describe('the audit log', () => {
  test('remembers what was signed through any number of starts', async () => {
    for (let n = 0; n < 5; n++) {
      const log = await open();
      expect(log.entries).toBe(n);
      log.append(signed(n), 1_000 * n);
      log.close();
    }
    const log = await open();
    expect([...log.state.payouts.keys()]).toEqual([0, 1, 2, 3, 4].map((n) => `payout-${n}`));
    expect(log.state.changeIndexes.get('main')).toBe(4);
    expect(usage(log.state, { nowMs: 4_500, seconds: 2 })).toEqual({ sats: 2_020n, count: 2 });
    expect(usage(log.state, { nowMs: 4_500, seconds: 60 })).toEqual({ sats: 5_050n, count: 5 });
    log.close();
  });

  test('keeps for a payout only the coins that all its transactions spend', async () => {
    const log = await open();
    log.append(signed(1, { inputs: ['a:0', 'b:0', 'c:0'] }), 1);
    log.append(signed(1, { requestId: 'r2', inputs: ['b:0', 'c:0', 'd:0'] }), 2);
    log.append(signed(1, { requestId: 'r3', inputs: ['c:0', 'a:0'] }), 3);
    expect(log.state.payouts.get('payout-1')?.common).toEqual(['c:0']);
    log.close();
  });

  test('cuts off a last line that was being written, and nothing else', async () => {
    const log = await open();
    log.append(signed(1), 1);
    const { head } = log;
    log.close();
    appendFileSync(join(folder, FIRST), '{"seq":2,"atMs":5,"meth');
    expect(await verifyLog(folder, KEY)).toEqual({ entries: 1, head, tornBytes: 23 });
    const again = await open();
    expect([again.entries, again.head, again.tornBytes]).toEqual([1, head, 23]);
    again.append(signed(2), 2);
    again.close();
    expect(await verifyLog(folder, KEY)).toMatchObject({ entries: 2, tornBytes: 0 });
  });

  test('refuses to open when any entry was changed, removed, exchanged or made by another', async () => {
    const log = await open();
    for (let n = 0; n < 4; n++) log.append(signed(n), n);
    log.close();
    const path = join(folder, FIRST);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const [a = '', b = '', c = '', d = ''] = lines;
    // The signer's own entry with the right number, of another past.
    const body = { seq: 2, atMs: 1, ...signed(9), prev: 'ab'.repeat(32) };
    const foreign = formatLine(body, KEY).line.trimEnd();
    const wrong: [string, string[]][] = [
      ['2: it was changed', [a, b.replace('1000', '9000'), c, d]],
      ['2: it is number 3', [a, c, d]],
      ['2: it does not follow', [a, foreign, c, d]],
      ['1: it is number 2', [b, c, d]],
      ['2: it is number 3', [a, c, b, d]],
      ['3: it is no entry', [a, b, '', c, d]],
      ['4: it is no entry', [a, b, c, 'x']],
    ];
    for (const [reason, content] of wrong) {
      writeFileSync(path, `${content.join('\n')}\n`);
      await expect(open()).rejects.toThrow(`entry ${reason}`);
      await expect(verifyLog(folder, null)).rejects.toThrow(`entry ${reason}`);
    }
    writeFileSync(path, `${lines.join('\n')}\n`);
    await expect(openLog(folder, { key: new Uint8Array(32) })).rejects.toThrow(
      'not written by this signer',
    );
    // Who has no key can check the hashes.
    expect((await verifyLog(folder, null)).entries).toBe(4);
  });

  test('refuses an entry when somebody else has written to the file', async () => {
    const [one, two] = [await open(), await open()];
    one.append(signed(1), 1);
    expect(() => two.append(signed(2), 2)).toThrow(Refusal);
    expect(two.state.payouts.size).toBe(0);
    one.close();
    two.close();
  });

  test('has the same state from a snapshot as from all its files', async () => {
    const log = await open(4_000);
    for (let n = 0; n < 60; n++) log.append(signed(n % 40, { requestId: `r-${n}` }), 700 * n);
    const before = structuredClone(log.state);
    const { head } = log;
    log.close();
    const files = readdirSync(folder).sort();
    expect(files.length).toBeGreaterThan(4);
    const short = await open(4_000);
    expect([short.state, short.head, short.entries]).toEqual([before, head, 60]);
    short.close();
    // A damaged snapshot is not used, and not needed.
    const path = join(folder, 'state.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('payout-7', 'payout-8'));
    const long = await open(4_000);
    expect([long.state, long.head, long.entries]).toEqual([before, head, 60]);
    long.close();
    rmSync(join(folder, '000002.jsonl'));
    await expect(open()).rejects.toThrow('missing');
    await expect(verifyLog(folder, null)).rejects.toThrow('missing');
  });

  test('goes on from a snapshot when older files were put away', async () => {
    const log = await open(4_000);
    for (let n = 0; n < 60; n++) log.append(signed(n), n);
    const before = structuredClone(log.state);
    log.close();
    const names = readdirSync(folder)
      .filter((name) => /^\d/.test(name))
      .sort();
    for (const name of names.slice(0, -1)) rmSync(join(folder, name));
    const again = await open(4_000);
    expect(again.state).toEqual(before);
    again.close();
    rmSync(join(folder, 'state.jsonl'));
    await expect(open(4_000)).rejects.toThrow('missing: put them back');
  });

  test('goes on after a crash between a snapshot and the file that follows it', async () => {
    const log = await open(400);
    log.append(signed(1), 1);
    const before = structuredClone(log.state);
    log.close();
    // The entry filled the first file, so the second was made, and is still empty.
    expect(readFileSync(join(folder, '000002.jsonl'), 'utf8')).toBe('');
    rmSync(join(folder, '000002.jsonl'));
    const again = await open(400);
    expect([again.state, again.entries]).toEqual([before, 1]);
    again.append(signed(2), 2);
    again.close();
    expect(await verifyLog(folder, KEY)).toMatchObject({ entries: 2 });
  });

  test('forgets the oldest requests, never a payout', async () => {
    const log = await open();
    const { state } = log;
    for (let n = 0; n < MAX_REMEMBERED_REQUESTS; n++) state.requests.set(`old-${n}`, 'd');
    log.append(signed(1), 1);
    expect(state.requests.size).toBe(MAX_REMEMBERED_REQUESTS);
    expect(state.requests.has('old-0')).toBe(false);
    expect(state.payouts.has('payout-1')).toBe(true);
    log.close();
  });

  test('tells reads with the next entry', async () => {
    const log = await open();
    log.countRead('ping');
    log.countRead('ping');
    expect(log.append({ method: 'stop' }, 1).reads).toEqual({ ping: 2 });
    expect(log.append({ method: 'stop' }, 1).reads).toBeUndefined();
    expect(log.tail(1)).toHaveLength(1);
    log.close();
  });
});
