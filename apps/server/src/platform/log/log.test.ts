import { expect, test } from 'vitest';
import { Secret } from '../config/index.ts';
import { createLogger } from './index.ts';

function capture(pretty = false) {
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', pretty, write: (line) => lines.push(line) });
  return { log, lines };
}

test('secrets are redacted by name, by pattern, in children, errors and their causes', () => {
  const { log, lines } = capture();
  const cause = new Error('could not reach postgres://owner:hunter2@db/x');
  log.info({ password: 'hunter2', deep: { headers: { Authorization: 'Bearer hunter2hunter2' } } });
  log.error(new Error('outer Bearer hunter2hunter2', { cause }));
  log.error({ error: cause });
  log
    .child({ secret: 'hunter2', requestId: 'r-1' })
    .warn({ url: new Secret('hunter2') }, 'to %s', 'http://u:hunter2@h/');
  expect(lines).toHaveLength(4);
  expect(lines.join('')).not.toContain('hunter2');
  expect(lines.join('')).toContain('r-1');
});

test('a redacted line is still one JSON object with level, time and message', () => {
  const { log, lines } = capture();
  log.error({ error: new TypeError('went wrong'), orderId: 'o' }, 'failed');
  const line: unknown = JSON.parse(lines[0] ?? '');
  expect(line).toMatchObject({ level: 'error', message: 'failed', orderId: 'o' });
  expect(line).toMatchObject({ error: { type: 'TypeError', message: 'went wrong' } });
});

test('an amount keeps all its digits', () => {
  const { log, lines } = capture();
  log.info({
    amountMsat: 2_099_999_997_690_000_001n,
    nested: { amountMsat: 9_007_199_254_740_993n },
  });
  expect(lines[0]).toContain('2099999997690000001');
  expect(lines[0]).toContain('9007199254740993');
});

test('the pretty form is one line and cannot steer the terminal', () => {
  const { log, lines } = capture(true);
  log.warn({ memo: 'a\n\u001b[31mb', error: new Error('x\ny') }, 'order\u001b[2J\nforged line');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f]/);
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}order/);
});

test('an error from outside is a sentence without a stack, a bug keeps its stack', () => {
  const { log, lines } = capture();
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  log.warn({ err: refused }, 'down');
  log.warn({ err: new TypeError('x is undefined') }, 'bug');
  expect(lines[0]).not.toContain('stack');
  expect(lines[0]).toContain('ECONNREFUSED');
  expect(lines[1]).toContain('stack');
});
