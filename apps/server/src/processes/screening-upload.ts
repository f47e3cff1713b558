import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  MAX_LIST_PART_BYTES,
  problemSchema,
  type ScreeningVersionJson,
  screeningVersionSchema,
} from '@quittance/contract';
import { InputError } from './screening-rows.ts';

/** How often the server is asked whether it has read the files. */
const ASK_EVERY_MS = 1_000;
/** A list of millions of tags takes minutes. */
const MAX_WAIT_MS = 3_600_000;

export type Upload = {
  /** Where the API is: "https://pay.example". */
  server: string;
  /** An administrator's API key. */
  key: string;
  list: string;
  format: string;
  files: readonly string[];
};

/**
 * Imports files into a list of a server, through its API: makes a version, uploads the files in parts,
 * and waits until they are read and compared. Somebody else signs the version off.
 * @throws {InputError} with the server's own words where it refuses
 */
export async function uploadList({
  server,
  key,
  list,
  format,
  files,
}: Upload): Promise<ScreeningVersionJson> {
  const base = server.replace(/\/+$/, '');
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const isFile = body instanceof Uint8Array;
    const response = await fetch(`${base}/v1/compliance/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined
          ? {}
          : { 'content-type': isFile ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isFile ? Buffer.from(body) : JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new InputError(`${base} can not be reached: ${reasonOf(error)}`);
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer;
    const problem = problemSchema.safeParse(answer);
    const detail = problem.success ? problem.data.detail : `status ${response.status}`;
    throw new InputError(`the server refuses: ${detail}`);
  };
  const made = screeningVersionSchema.parse(
    await call('POST', `lists/${list}/versions`, { format }),
  );
  const path = `list-versions/${made.id}`;
  for (const file of files) {
    await eachPart(file, (part, bytes) =>
      call('PUT', `${path}/files/${encodeURIComponent(nameOf(file))}?part=${part}`, bytes),
    );
  }
  await call('POST', `${path}/import`, {});
  for (let waited = 0; waited < MAX_WAIT_MS; waited += ASK_EVERY_MS) {
    const version = screeningVersionSchema.parse(await call('GET', path));
    if (version.state === 'failed' || version.delta !== null) return version;
    await sleep(ASK_EVERY_MS);
  }
  throw new InputError(`the server is still reading version ${made.id}; look at it later`);
}

/** A plain name, as the API takes it. */
function nameOf(file: string): string {
  const plain = basename(file).replace(/[^A-Za-z0-9._-]/g, '_');
  return /^[A-Za-z0-9_]/.test(plain) ? plain.slice(-100) : `_${plain}`.slice(-100);
}

async function eachPart(
  file: string,
  send: (part: number, bytes: Uint8Array) => Promise<unknown>,
): Promise<void> {
  const handle = await open(file);
  try {
    for (let part = 0; ; part++) {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(MAX_LIST_PART_BYTES),
        0,
        MAX_LIST_PART_BYTES,
        part * MAX_LIST_PART_BYTES,
      );
      if (bytesRead > 0) await send(part, buffer.subarray(0, bytesRead));
      if (bytesRead < MAX_LIST_PART_BYTES) return;
    }
  } finally {
    await handle.close();
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** What an import has come to, in lines for a person. */
export function describeUpload(version: ScreeningVersionJson): string[] {
  if (version.state === 'failed') return [`${version.list}: failed: ${version.error}`];
  const { entryCount, nameCount, addressCount, findingCount, delta, findings } = version;
  const told = findings.map(({ file, line, message }) => `  ${file}:${line}: ${message}`);
  return [
    `${version.list}: ${entryCount} entries, ${nameCount} names, ${addressCount} addresses; ` +
      `${delta?.added} new, ${delta?.removed} gone, ${delta?.changed} changed`,
    ...(findingCount === 0 ? [] : [`${findingCount} findings, the first of them:`, ...told]),
    `version ${version.id}, digest ${version.digest}`,
    'It becomes active when a second administrator signs it off.',
  ];
}
