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
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
    },
    { write: (line) => write(finish(redactLine(line))) },
  );
}
