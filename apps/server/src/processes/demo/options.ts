import { parseArgs } from 'node:util';

export type DemoOptions = {
  once: boolean;
  fast: boolean;
  /** With `once`: the order is paid by Lightning. */
  lightning: boolean;
  json: boolean;
  /** 0: any free one. */
  port: number;
  /** undefined: a temporary folder. */
  dataDir: string | undefined;
};

/** The command line treats it like parseArgs' own errors: message, usage, exit status 2. */
class OptionError extends Error {
  override name = 'OptionError';
  readonly code = 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE';
}

const MAX_PORT = 65_535;

/** @throws {Error} with a code of parseArgs when the arguments can't be used */
export function readOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      fast: { type: 'boolean', default: false },
      lightning: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      data: { type: 'string' },
    },
  });
  if (!/^[0-9]{1,5}$/.test(values.port) || Number(values.port) > MAX_PORT) {
    throw new OptionError(`--port ${values.port}: write a number from 0 (any free) to ${MAX_PORT}`);
  }
  if (values.data === '') throw new OptionError('--data: write the path of a folder');
  const { once, fast, lightning, json } = values;
  return { once, fast, lightning, json, port: Number(values.port), dataDir: values.data };
}
