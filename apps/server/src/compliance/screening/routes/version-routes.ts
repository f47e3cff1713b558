import {
  instanceScope,
  MAX_LIST_PART_BYTES,
  MAX_LIST_PARTS,
  noBodySchema,
  screeningFileName,
  screeningPartQuerySchema,
  screeningUploadSchema,
  screeningVersionSchema,
  signOffScreeningVersionSchema,
  uuidText,
} from '@quittance/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import { actorOf, answerOnce, answers, type HttpApp, needs } from '../../../platform/http/index.ts';
import { rejectVersion, signOffVersion, startImport } from '../versions/decide-version.ts';
import { lockVersion } from '../versions/store.ts';
import { readParts, writePart } from '../versions/upload-store.ts';
import type { Version } from '../versions/version.ts';
import { type ScreeningRouteDeps, tags } from './deps.ts';
import { activeIdOf, note } from './list-routes.ts';
import { versionJson } from './present.ts';

const FILE_TYPE = 'application/octet-stream';
const versionParams = z.strictObject({ version: uuidText });

/** Uploads of a version's files, and what people decide about it. */
export function addVersionRoutes(app: HttpApp, deps: ScreeningRouteDeps): void {
  addUploadRoute(app, deps);
  const route = { ...needs(instanceScope), idempotency: 'stored' as const };
  app.post(
    '/v1/compliance/list-versions/:version/import',
    {
      config: route,
      schema: {
        tags,
        operationId: 'importScreeningVersion',
        summary: 'All files are uploaded: read them',
        description: 'A worker does it; ask for the version until it is `imported` or `failed`.',
        params: versionParams,
        body: noBodySchema,
        response: answers(200, screeningVersionSchema),
      },
    },
    async (request, reply) =>
      await decide(deps, { request, reply }, 'screening_version.uploaded', (tx) =>
        startImport(tx, request.params.version),
      ),
  );
  app.post(
    '/v1/compliance/list-versions/:version/sign-off',
    {
      config: route,
      schema: {
        tags,
        operationId: 'signOffScreeningVersion',
        summary: 'Sign a version off, so that it becomes active',
        description:
          'By another person than who proposed it (two keys that one made of the other are one ' +
          'person). The digest says which entries; the report of what changes must be there.',
        params: versionParams,
        body: signOffScreeningVersionSchema,
        response: answers(200, screeningVersionSchema),
      },
    },
    async (request, reply) =>
      await decide(deps, { request, reply }, 'screening_version.signed_off', (tx, nowMs) => {
        const { digest, effectiveAt } = request.body;
        const effectiveAtMs = effectiveAt === undefined ? nowMs : Date.parse(effectiveAt);
        const { samePersonAs } = deps;
        const { version: id } = request.params;
        return signOffVersion(tx, {
          ...{ id, by: actorOf(request), digest, effectiveAtMs, nowMs, samePersonAs },
        });
      }),
  );
  app.post(
    '/v1/compliance/list-versions/:version/reject',
    {
      config: route,
      schema: {
        tags,
        operationId: 'rejectScreeningVersion',
        summary: 'Take back a version that is not active yet',
        params: versionParams,
        body: noBodySchema,
        response: answers(200, screeningVersionSchema),
      },
    },
    async (request, reply) =>
      await decide(deps, { request, reply }, 'screening_version.rejected', (tx) =>
        rejectVersion(tx, request.params.version),
      ),
  );
}

async function decide(
  deps: ScreeningRouteDeps,
  exchange: { request: FastifyRequest; reply: FastifyReply },
  action: string,
  change: (tx: Tx, nowMs: number) => Promise<Version>,
) {
  const nowMs = deps.clock.nowMs();
  return await answerOnce({ ...deps, nowMs }, exchange, async (tx) => {
    const version = await change(tx, nowMs);
    const { id: subject, list, state, digest } = version;
    const by = actorOf(exchange.request);
    await note(tx, deps, { by, action, subject, detail: { list, state, digest: digest ?? '' } });
    return { status: 200, body: versionJson(version, await activeIdOf(tx, version)) };
  });
}

/** In a scope of its own: only here a body may be a file. */
function addUploadRoute(app: HttpApp, deps: ScreeningRouteDeps): void {
  void app.register(async (scope: HttpApp) => {
    scope.addContentTypeParser(
      FILE_TYPE,
      { parseAs: 'buffer', bodyLimit: MAX_LIST_PART_BYTES },
      (_request: FastifyRequest, body: Buffer, done: (error: null, value: Buffer) => void) =>
        done(null, body),
    );
    scope.put(
      '/v1/compliance/list-versions/:version/files/:file',
      {
        config: { ...needs(instanceScope), fileType: FILE_TYPE },
        bodyLimit: MAX_LIST_PART_BYTES,
        schema: {
          tags,
          operationId: 'uploadScreeningFile',
          summary: 'Upload a file of a version, or a part of it',
          description:
            'Send the bytes as application/octet-stream. A file of more than 8 MiB comes in parts ' +
            '(`part` 0, 1, …); a part that is sent again takes the place of the one before.',
          params: z.strictObject({ version: uuidText, file: screeningFileName }),
          querystring: screeningPartQuerySchema,
          body: z.any(),
          response: answers(200, screeningUploadSchema),
        },
      },
      async (request) => {
        const body: unknown = request.body;
        if (!Buffer.isBuffer(body) || body.byteLength === 0) {
          throw new AppError('invalid_request', `Send the bytes of the file as ${FILE_TYPE}.`);
        }
        const { version: versionId, file } = request.params;
        const { part } = request.query;
        return await deps.database.asSystem(async (tx) => {
          const version = await lockVersion(tx, versionId);
          if (version === undefined) {
            throw new AppError('not_found', 'There is no such version of a list.');
          }
          if (version.state !== 'uploading') {
            throw new AppError(
              'conflict',
              `The version is ${version.state}; its files are complete.`,
            );
          }
          const parts = await readParts(tx, versionId);
          const isNew = !parts.some((one) => one.file === file && one.part === part);
          if (isNew && parts.length >= MAX_LIST_PARTS) {
            throw new AppError(
              'payload_too_large',
              `A version has at most ${MAX_LIST_PARTS} parts.`,
            );
          }
          await writePart(tx, { versionId, file, part, body });
          return { file, part, bytes: body.byteLength };
        });
      },
    );
  });
}
