import { BitcoindError } from '../platform/embedded/bitcoind.ts';
import { type Config, ConfigError } from '../platform/config/index.ts';
import { MigrationError } from '../platform/db/index.ts';
import { EmbeddedPostgresError } from '../platform/embedded/postgres-errors.ts';
import { SecretsKeyError } from '../platform/sealing/index.ts';

/** Of these the message says what is wrong and what to do. */
const SELF_EXPLAINING = [
  ConfigError,
  EmbeddedPostgresError,
  BitcoindError,
  MigrationError,
  SecretsKeyError,
];

/**
 * Says in a sentence why a process could not start, and what to do about it.
 * @returns undefined when nobody has thought of it: a bug, to be shown whole
 */
export function explainStartFailure(error: unknown, config: Config): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (SELF_EXPLAINING.some((known) => error instanceof known)) return error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if ('syscall' in error && error.syscall === 'listen') return explainListen(code, config.http);
  if (code === 'ENOSPC') {
    return `the disk that holds ${config.dataDir} is full: free some space and start again (docs/runbooks/disk-full.md)`;
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code)) {
    return `the folder ${config.dataDir} can not be used (${error.message}): give this user the folder, or set dataDir to another one`;
  }
  const explained = explainDatabase(error, code, config) ?? explainCause(error, config);
  if (explained !== undefined || code !== 'database_unavailable') return explained;
  return `the database ${placeOf(config)} did not answer in time: see whether it is overloaded, and start again (docs/runbooks/database-down.md)`;
}

/** A module may have wrapped what went wrong; what is inside says more. */
function explainCause(error: Error, config: Config): string | undefined {
  return error.cause === undefined ? undefined : explainStartFailure(error.cause, config);
}

function explainListen(code: string, { host, port }: Config['http']): string | undefined {
  const where = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is taken by another program, or Quittance is running already: stop that program, or set http.port to another port`;
    case 'EACCES':
      return `this user may not listen on ${where}: set http.port above 1023 and put a proxy in front`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine: set http.host to one, such as 127.0.0.1`;
    default:
      return undefined;
  }
}

/** Codes of PostgreSQL (appendix A) and of the socket to it. */
function explainDatabase(error: Error, code: string, config: Config): string | undefined {
  const what = `the database ${placeOf(config)}`;
  switch (code) {
    case '28P01':
    case '28000':
      return `${what} refused us (${error.message}): check user and password in DATABASE_URL and the server's pg_hba.conf`;
    case '3D000':
      return `${what} can not be used (${error.message}): make it with createdb, or correct DATABASE_URL`;
    case '42501':
      return `${what} does not let us make what we need (${error.message}): DATABASE_URL must name the owner of the database, with CREATEROLE`;
    case '57P03':
      return `${what} is just starting: try again in a moment`;
    case '53300':
      return `${what} has no free connections: raise its max_connections (docs/runbooks/database-down.md)`;
    case '53100':
      return `${what} has no disk space left: free some and start again (docs/runbooks/disk-full.md)`;
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${what} can not be reached (${code}): start PostgreSQL, or check DATABASE_URL (docs/runbooks/database-down.md)`;
    default:
      return undefined;
  }
}

/** Where it is, without user and password. */
function placeOf({ databaseUrl, dataDir }: Config): string {
  if (databaseUrl === undefined) return `under ${dataDir}`;
  const { host, pathname } = new URL(databaseUrl.reveal());
  return `"${decodeURIComponent(pathname.slice(1))}" at ${host}`;
}
