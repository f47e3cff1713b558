import { MAX_RESPONSE_BYTES } from './rpc-transport.ts';

/** bitcoind's own answers have some hundred bytes of headers. */
const MAX_HEAD_BYTES = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/** Gives memory of so many bytes for what is read. */
export type Room = (length: number) => Uint8Array;

export type HttpAnswer = { status: number; bytes: Uint8Array };

export type HttpAnswerReader = {
  /**
   * Takes what comes next; true when the answer is complete. The bytes are copied.
   * @throws {MalformedAnswerError}
   * @throws {UnannouncedLengthError}
   */
  take(bytes: Uint8Array): boolean;
  /** Whether anything has come. */
  begun(): boolean;
  /** Whether the other side closes the connection behind it. */
  isLast(): boolean;
  whole(): HttpAnswer;
};

/** The answer's length is not in its headers: some proxies pass it on in chunks. */
export class UnannouncedLengthError extends Error {
  override name = 'UnannouncedLengthError';
}

/** What the other side sent is no HTTP answer. */
export class MalformedAnswerError extends Error {
  override name = 'MalformedAnswerError';
}

/** Puts one answer together from what a socket hands over, in the memory that `room` gives. */
export function createHttpAnswer(room: Room = Buffer.allocUnsafeSlow): HttpAnswerReader {
  let head = Buffer.alloc(0);
  let status = 0;
  let last = false;
  let body: Uint8Array | undefined;
  let taken = 0;

  function begin(bytes: Uint8Array): void {
    // Nearly always all of it comes at once; what is kept for later is a copy.
    const sought = head.length === 0 ? asBuffer(bytes) : Buffer.concat([head, bytes]);
    const end = sought.indexOf(HEAD_END);
    if (end < 0 ? sought.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES) {
      throw new MalformedAnswerError('the headers of the answer are too long');
    }
    if (end < 0) {
      head = Buffer.from(sought);
      return;
    }
    const read = readHead(sought.toString('latin1', 0, end));
    ({ status, last } = read);
    body = room(read.length);
    fill(body, sought.subarray(end + HEAD_END.length));
  }

  function fill(whole: Uint8Array, bytes: Uint8Array): void {
    if (taken + bytes.length > whole.length) {
      throw new MalformedAnswerError('the answer is longer than its headers say');
    }
    whole.set(bytes, taken);
    taken += bytes.length;
  }

  return {
    take(bytes: Uint8Array): boolean {
      if (body === undefined) begin(bytes);
      else fill(body, bytes);
      return body !== undefined && taken === body.length;
    },
    begun: () => head.length > 0 || body !== undefined,
    isLast: () => last,
    whole: (): HttpAnswer => ({ status, bytes: body ?? Buffer.alloc(0) }),
  };
}

/** The same memory. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Status line and headers, RFC 9112 §4 and §5. */
function readHead(text: string): { status: number; length: number; last: boolean } {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const [, minor, code] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/.exec(statusLine) ?? [];
  if (minor === undefined || code === undefined || code.startsWith('1')) {
    throw new MalformedAnswerError('this is no answer of HTTP/1');
  }
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const key = line.slice(0, Math.max(0, colon)).toLowerCase();
    // A space before the colon has let answers be read in two ways (RFC 9112 §5.1).
    if (!/^\S+$/.test(key)) throw new MalformedAnswerError('a header of the answer has no name');
    const value = line.slice(colon + 1).trim();
    const known = fields.get(key);
    fields.set(key, known === undefined ? value : `${known}, ${value}`);
  }
  const length = fields.get('content-length');
  if (length === undefined || fields.has('transfer-encoding') || fields.has('content-encoding')) {
    throw new UnannouncedLengthError('the length of the answer is not announced');
  }
  if (!/^\d{1,15}$/.test(length)) throw new MalformedAnswerError('the length is no number');
  if (Number(length) > MAX_RESPONSE_BYTES) {
    throw new MalformedAnswerError(`the answer exceeds ${MAX_RESPONSE_BYTES} bytes`);
  }
  const close = (fields.get('connection') ?? '').toLowerCase() === 'close' || minor === '0';
  return { status: Number(code), length: Number(length), last: close };
}
