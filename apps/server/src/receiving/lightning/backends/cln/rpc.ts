import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import { readCertificateTrust } from '../remote/certificate.ts';
import { parseExactJson } from '../remote/exact-json.ts';
import { createNodeHttp } from '../remote/node-http.ts';
import type { ClnConnection } from './connection.ts';

/** Core Lightning answers from its database; a large one on a slow disk takes seconds. */
const CALL_TIMEOUT_MS = 20_000;
/** JSON-RPC 2.0 §5.1. */
const METHOD_NOT_FOUND = -32_601;

/** Core Lightning answered and said no. */
export class ClnRefusal extends LightningNodeError {
  /** JSON-RPC code, or one of Core Lightning's own (common/jsonrpc_errors.h). */
  readonly rpcCode: number;
  readonly data: unknown;
  constructor(
    code: 'refused' | 'unauthorized' | 'unsupported',
    { rpcCode, words, data }: { rpcCode: number; words: string; data: unknown },
  ) {
    super(code, `Core Lightning: ${words}`);
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

export type CallOptions = {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly mayWrite?: () => boolean;
};

/** clnrest: every JSON-RPC method as `POST /v1/<method>`. */
export type ClnRpc = {
  /**
   * @throws {NotSentError} when nothing has left us
   * @throws {ClnRefusal}
   * @throws {LightningNodeError} `unreachable` when no answer came; it may have acted
   */
  call<T>(method: string, params: object, shape: z.ZodType<T>, options?: CallOptions): Promise<T>;
  close(): Promise<void>;
};

const refusalShape = z.object({
  code: z.number().nullish(),
  message: z.string(),
  data: z.unknown().optional(),
});

/** @throws {LightningNodeError} for a connection that can not be read */
export function createClnRpc(connection: ClnConnection): ClnRpc {
  const trust = readCertificateTrust(connection.certificate);
  const http = createNodeHttp(new URL(connection.url), trust, { rune: connection.rune });
  return {
    async call(method, params, shape, options = {}) {
      const { status, text } = await http.call({
        method: 'POST',
        path: `/v1/${method}`,
        body: JSON.stringify(params),
        timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        ...(options.mayWrite === undefined ? {} : { mayWrite: options.mayWrite }),
      });
      const answer = parse(text, method, status);
      // clnrest answers 201 to a method that was carried out.
      if (status !== 200 && status !== 201) throw refusalOf(answer, method, status);
      const parsed = shape.safeParse(answer);
      if (parsed.success) return parsed.data;
      const where = parsed.error.issues[0]?.path.join('.') ?? '';
      throw new LightningNodeError(
        'bad_answer',
        `Core Lightning, ${method}: "${where}" is not as expected`,
      );
    },
    close: () => http.close(),
  };
}

function parse(text: string, method: string, status: number): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    const message = `Core Lightning, ${method}: HTTP ${status}, not JSON`;
    throw new LightningNodeError('bad_answer', message, { cause: error });
  }
}

function refusalOf(answer: unknown, method: string, status: number): ClnRefusal {
  const parsed = refusalShape.safeParse(answer);
  const words = parsed.success ? parsed.data.message : `${method} gives HTTP ${status}`;
  const rpcCode = (parsed.success ? parsed.data.code : null) ?? 0;
  const data = parsed.success ? parsed.data.data : undefined;
  const isMissing = rpcCode === METHOD_NOT_FOUND || status === 404;
  const isForbidden = status === 401 || status === 403;
  const code = isForbidden ? 'unauthorized' : isMissing ? 'unsupported' : 'refused';
  return new ClnRefusal(code, { rpcCode, words, data });
}
