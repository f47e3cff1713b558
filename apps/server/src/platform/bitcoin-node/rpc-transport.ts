import type { Pool } from 'undici';

/** Largest answer that is read: verbose answers on a full mempool stay below. */
export const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

type Request = {
  path: string;
  body: string | undefined;
  authorization: string;
  signal: AbortSignal;
};

/**
 * Sends a request and reads the whole answer, by any way that HTTP has. A block has megabytes: its bytes go straight into one
 * buffer of the announced length, which spares copies and a good part of garbage collection.
 * @returns isAnnounced: the answer's length was in its headers, as bitcoind itself has it
 */
export function send(
  pool: Pool,
  { path, body, authorization, signal }: Request,
): Promise<{ status: number; bytes: Uint8Array; isAnnounced: boolean }> {
  const headers = { authorization, 'content-type': 'application/json' };
  const method = body === undefined ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    let status = 0;
    let isAnnounced = false;
    let answer = createAnswer(undefined);
    let abort = () => reject(signal.reason);
    const onAbort = () => abort();
    const done = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    pool.dispatch(
      { path, method, headers, body: body ?? null },
      {
        onRequestStart(controller) {
          abort = () => controller.abort(asError(signal.reason));
          if (signal.aborted) abort();
        },
        onResponseStart(_controller, statusCode, responseHeaders) {
          status = statusCode;
          const { 'content-length': length, 'content-encoding': encoding } = responseHeaders;
          isAnnounced = length !== undefined && encoding === undefined;
          answer = createAnswer(length);
        },
        onResponseData(controller, chunk) {
          if (!answer.take(chunk)) controller.abort(new Error('the answer is too large'));
        },
        onResponseEnd() {
          done();
          resolve({ status, bytes: answer.bytes(), isAnnounced });
        },
        onResponseError(_controller, error) {
          done();
          reject(error);
        },
      },
    );
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** Collects an answer: into one buffer where its length is announced, else in pieces. */
function createAnswer(announced: string | string[] | undefined) {
  const length = typeof announced === 'string' ? Number(announced) : Number.NaN;
  const whole =
    Number.isSafeInteger(length) && length <= MAX_RESPONSE_BYTES
      ? Buffer.allocUnsafe(length)
      : undefined;
  const pieces: Buffer[] = [];
  let taken = 0;
  return {
    take(chunk: Buffer): boolean {
      if (taken + chunk.length > (whole?.length ?? MAX_RESPONSE_BYTES)) return false;
      if (whole === undefined) pieces.push(Buffer.from(chunk));
      else whole.set(chunk, taken);
      taken += chunk.length;
      return true;
    },
    bytes: (): Uint8Array => whole?.subarray(0, taken) ?? Buffer.concat(pieces),
  };
}
