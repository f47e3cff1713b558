import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../platform/config/index.ts';
import { blocking, type Finding, ok, reasonOf, warning } from './finding.ts';

/** The server's code uses what came with this version (package.json: engines). */
const MIN_NODE_MAJOR = 24;
const MEBIBYTE = 1024n * 1024n;
/** Less than this and the database stops within hours. */
const MIN_FREE_MEBIBYTES = 500n;
/** A million orders take about 5 GB; below, somebody should know. */
const LOW_FREE_MEBIBYTES = 5_000n;

export function checkNodeVersion(version: string): Finding {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);
  if (major >= MIN_NODE_MAJOR) return ok('node.js', version);
  const action = `start with ./quittance, which brings a fitting one, or install Node.js ${MIN_NODE_MAJOR}`;
  return blocking('node.js', `${version} is older than ${MIN_NODE_MAJOR}`, action);
}

/** A file with passwords in it should be its owner's alone. */
export async function checkConfigFile(path: string | undefined): Promise<Finding[]> {
  if (path === undefined) return [ok('configuration', 'valid, from the environment alone')];
  const { mode } = await stat(path);
  if ((mode & 0o044) === 0) return [ok('configuration', `${path} is valid`)];
  const detail = `${path} is valid, and can be read by other users of this machine`;
  return [
    warning('configuration', detail, `chmod 600 ${path}, or keep passwords in the environment`),
  ];
}

/** The folder, or the place where it would be made: can we write there, and how much fits? */
export async function checkDataDir(dataDir: string): Promise<Finding[]> {
  let folder = resolve(dataDir);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const where =
    folder === resolve(dataDir) ? folder : `${resolve(dataDir)} (to be made in ${folder})`;
  return [await checkWritable(folder, where), await checkSpace(folder)];
}

async function checkWritable(folder: string, where: string): Promise<Finding> {
  try {
    // Rights alone don't tell: a read-only mount and a full disk only show on writing.
    const probe = await mkdtemp(join(folder, '.quittance-doctor-'));
    try {
      await writeFile(join(probe, 'probe'), Buffer.alloc(4_096), { flush: true });
    } finally {
      await rm(probe, { recursive: true, force: true });
    }
    return ok('data folder', `${where} can be written`);
  } catch (error) {
    const action = 'give this user the folder (chown), or set dataDir to another one';
    return blocking('data folder', `${where} can not be written: ${reasonOf(error)}`, action);
  }
}

async function checkSpace(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder, { bigint: true });
  const free = (bavail * bsize) / MEBIBYTE;
  const detail = `${free} MiB free`;
  const action = 'free space or move dataDir (docs/runbooks/disk-full.md)';
  if (free < MIN_FREE_MEBIBYTES) return blocking('disk', `only ${detail}`, action);
  if (free < LOW_FREE_MEBIBYTES) return warning('disk', `only ${detail}`, action);
  return ok('disk', detail);
}

export async function checkPorts(config: Config): Promise<Finding[]> {
  const { http, metrics } = config;
  const findings = [await checkPort('http.port', http.host, http.port)];
  if (metrics.port !== undefined) {
    findings.push(await checkPort('metrics.port', metrics.host, metrics.port));
  }
  return findings;
}

async function checkPort(setting: string, host: string, port: number): Promise<Finding> {
  const code = await tryListen(host, port);
  const where = `${host}:${port}`;
  if (code === undefined) return ok('port', `${where} is free`);
  if (code === 'EADDRINUSE') {
    const detail = `${where} is taken by another program, or Quittance is running already`;
    return blocking('port', detail, `stop that program, or set ${setting} to another port`);
  }
  if (code === 'EACCES') {
    const detail = `${where}: this user may not listen on ports below 1024`;
    return blocking('port', detail, `set ${setting} above 1023 and put a proxy in front`);
  }
  const setting2 = setting.replace('port', 'host');
  return blocking('port', `${where}: ${code}`, `set ${setting2} to an address of this machine`);
}

function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
