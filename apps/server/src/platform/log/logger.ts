import { type Logger, pino } from 'pino';
import { prettyLine } from './pretty.ts';
import { redactLine } from './redaction.ts';

export type { Logger } from 'pino';

export type LoggerOptions = {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** One short line for a person's eyes instead of JSON. */
  pretty?: boolean;
  /** Where lines go; standard output when left out. */
  write?: (line: string) => void;
};

/** A log line is not a dump: deeper or wider structures are cut. */
const MAX_DEPTH = 6;
const MAX_FIELDS = 100;

/**
 * The process's logger: one JSON object a line (pino). Every line passes redaction as its last
 * step, children's (`log.child({ requestId })`) too. Errors go under the name `error`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const finish =
    options.pretty === true ? (line: string) => prettyLine(line) : (line: string) => line;
  return pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      errorKey: 'error',
      depthLimit: MAX_DEPTH,
      edgeLimit: MAX_FIELDS,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: writeError, err: writeError },
    },
    { write: (line) => write(finish(redactLine(line))) },
  );
}

/** Errors of ours that say that something outside is down, full or wrongly set up. */
const OUTSIDE =
  /^(BitcoinRpcError|ChainHaltError|BitcoindError|EmbeddedPostgresError|MigrationError|ConfigError)$/;
/** The same of sockets, of PostgreSQL (appendix A, classes 08, 53 and 57), and in our own words. */
const OUTSIDE_CODE =
  /^(ECONN|ENOTFOUND|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOSPC|08|53|57P|database_unavailable)/;

/**
 * A stack tells where a bug is. Where the cause is outside, it tells nothing and buries the
 * sentence that says what to do, again and again until the cause is mended.
 */
function writeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const outside = OUTSIDE.test(error.name) || (code !== undefined && OUTSIDE_CODE.test(code));
  if (!outside) return pino.stdSerializers.err(error);
  const { type, message } = pino.stdSerializers.err(error);
  return code === undefined ? { type, message } : { type, message, code };
}
