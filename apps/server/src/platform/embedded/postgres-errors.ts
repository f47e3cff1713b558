export type EmbeddedPostgresErrorKind =
  | 'in_use'
  | 'port_taken'
  | 'disk_full'
  | 'permission'
  | 'binaries_missing'
  | 'failed';

/** The embedded server can't run; the message says why and what to do. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
  readonly kind: EmbeddedPostgresErrorKind;

  constructor(kind: EmbeddedPostgresErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** How many of the server's last lines an unknown failure shows. */
const SHOWN_LINES = 12;

/** Turns the last words of initdb or the server into an error that says what to do. */
export function explainStartFailure(
  output: string,
  { cluster, action, port }: { cluster: string; action: 'initdb' | 'start'; port?: number },
): EmbeddedPostgresError {
  if (/No space left on device|ENOSPC/i.test(output)) {
    return new EmbeddedPostgresError(
      'disk_full',
      `the disk that holds ${cluster} is full: free some space and start again (nothing is lost)`,
    );
  }
  if (/could not bind .*Address already in use|could not create any TCP/s.test(output)) {
    return new EmbeddedPostgresError(
      'port_taken',
      `port ${port} of 127.0.0.1 is taken by another program: choose another port for the database`,
    );
  }
  if (
    /lock file "postmaster\.pid" already exists|shared memory block .* still in use/.test(output)
  ) {
    return new EmbeddedPostgresError(
      'in_use',
      `another database server still uses ${cluster}: end it first`,
    );
  }
  if (/Permission denied|EACCES/.test(output)) {
    return new EmbeddedPostgresError(
      'permission',
      `the database server may not use ${cluster}: check the owner and mode of that folder\n${lastLines(output)}`,
    );
  }
  return new EmbeddedPostgresError(
    'failed',
    `the database server did not ${action === 'initdb' ? 'initialise' : 'start'} in ${cluster}:\n${lastLines(output)}`,
  );
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-SHOWN_LINES).join('\n');
}
