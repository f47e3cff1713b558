import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_RESPONSE_BYTES } from './rpc-transport.ts';
import { createHttpAnswer, MalformedAnswerError, UnannouncedLengthError } from './http-answer.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

function answerOf(text: string) {
  const answer = createHttpAnswer();
  const complete = answer.take(Buffer.from(text, 'latin1'));
  return { complete, last: answer.isLast(), ...answer.whole() };
}

test('an answer is the same however the socket cuts it up', () => {
  const bodies = fc.uint8Array({ maxLength: 300 });
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
  fc.assert(
    fc.property(bodies, cuts, (body, sizes) => {
      const head = `${OK}Content-Type: application/octet-stream\r\ncontent-LENGTH: ${body.length}\r\n\r\n`;
      const whole = Buffer.concat([Buffer.from(head), body]);
      const answer = createHttpAnswer();
      // One piece of memory for all reads, as the socket has it.
      const read = new Uint8Array(50);
      for (let at = 0, i = 0; at < whole.length; i++) {
        const piece = whole.subarray(at, at + (sizes[i % sizes.length] ?? 1));
        read.fill(0);
        read.set(piece);
        at += piece.length;
        expect(answer.take(read.subarray(0, piece.length))).toBe(at === whole.length);
      }
      expect(answer.whole().status).toBe(200);
      expect([...answer.whole().bytes]).toEqual([...body]);
    }),
  );
});

test('the answer lies in the memory that was offered', () => {
  const room = new Uint8Array(8);
  const answer = createHttpAnswer((length) => room.subarray(0, length));
  answer.take(Buffer.from(`${OK}Content-Length: 3\r\n\r\nab`));
  answer.take(Buffer.from('c'));
  expect([...room]).toEqual([97, 98, 99, 0, 0, 0, 0, 0]);
});

test.each([
  ['HTTP/1.1 404 Not Found', 404, false],
  ['HTTP/1.1 503', 503, false],
  ['HTTP/1.0 200 OK', 200, true],
])('%s has status %i', (statusLine, status, last) => {
  const answer = answerOf(`${statusLine}\r\nContent-Length: 0\r\n\r\n`);
  expect(answer).toMatchObject({ complete: true, status, last });
});

test('an answer behind which the connection is closed says so', () => {
  expect(answerOf(`${OK}Connection: Close\r\nContent-Length: 0\r\n\r\n`).last).toBe(true);
  expect(answerOf(`${OK}Connection: keep-alive\r\nContent-Length: 0\r\n\r\n`).last).toBe(false);
});

test.each([
  ['more bytes than announced', `${OK}Content-Length: 1\r\n\r\nab`],
  ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`],
  ['a negative length', `${OK}Content-Length: -1\r\n\r\n`],
  ['a length that is too large', `${OK}Content-Length: ${MAX_RESPONSE_BYTES + 1}\r\n\r\n`],
  ['a header without a name', `${OK}: 1\r\nContent-Length: 0\r\n\r\n`],
  ['a space before a colon', `${OK}Content-Length : 0\r\n\r\n`],
  ['a header that goes on in the next line', `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`],
  ['another protocol', 'ZMTP\r\n\r\n'],
  ['an answer before the answer', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['headers without end', `${OK}${'a'.repeat(20_000)}`],
])('%s is malformed', (_what, text) => {
  expect(() => answerOf(text)).toThrow(MalformedAnswerError);
});

test.each([
  ['no length', `${OK}\r\n`],
  ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n`],
  ['chunks and a length', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`],
  ['a compressed answer', `${OK}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n`],
])('%s is left to a client that knows more', (_what, text) => {
  expect(() => answerOf(text)).toThrow(UnannouncedLengthError);
});
