import {
  createScreeningVersionSchema,
  instanceScope,
  noBodySchema,
  pageQuerySchema,
  putScreeningListSchema,
  screeningListName,
  screeningListSchema,
  screeningListsSchema,
  screeningVersionPageSchema,
  screeningVersionSchema,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  INSTANCE_ID,
  needs,
  pageOfRows,
} from '../../../platform/http/index.ts';
import { readLatestRescreen } from '../rescreening/rescreen-store.ts';
import { existingVersion, noSuchList, proposeFormerVersion } from '../versions/decide-version.ts';
import {
  countLists,
  countOpenUploads,
  insertVersion,
  readActiveVersion,
  readList,
  readLists,
  readVersions,
  writeList,
} from '../versions/store.ts';
import type { Version } from '../versions/version.ts';
import { type ScreeningRouteDeps, tags } from './deps.ts';
import { listJson, versionJson, versionRefs, versionSummaryJson } from './present.ts';

/** Each list is in the memory of every process; nobody has so many. */
const MAX_LISTS = 100;
/** Files of versions under way are in the database; a forgotten upload must not fill it. */
const MAX_OPEN_UPLOADS = 20;

const listParams = z.strictObject({ list: screeningListName });
const versionParams = z.strictObject({ version: uuidText });

/** Lists belong to the instance: its administrators change them, officers of stores read them. */
export function addListRoutes(app: HttpApp, deps: ScreeningRouteDeps): void {
  addListReads(app, deps);
  app.put(
    '/v1/compliance/lists/:list',
    {
      config: needs(instanceScope),
      schema: {
        tags,
        operationId: 'putScreeningList',
        summary: 'Make a list for screening, or change what it is called and how old it may be',
        params: listParams,
        body: putScreeningListSchema,
        response: answers(200, screeningListSchema),
      },
    },
    async (request) => {
      const nowMs = deps.clock.nowMs();
      const by = actorOf(request);
      const name = request.params.list;
      return await deps.database.asSystem(async (tx) => {
        if ((await readList(tx, name)) === undefined && (await countLists(tx)) >= MAX_LISTS) {
          throw new AppError('conflict', `There are ${MAX_LISTS} lists already.`);
        }
        const given = { ...request.body, name, createdBy: by, createdAtMs: nowMs };
        const list = await writeList(tx, given, nowMs);
        await note(tx, deps, {
          by,
          action: 'screening_list.put',
          subject: name,
          detail: request.body,
        });
        return listJson(list, await readActiveVersion(tx, name), nowMs);
      });
    },
  );
  app.post(
    '/v1/compliance/lists/:list/versions',
    {
      config: { ...needs(instanceScope), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createScreeningVersion',
        summary: 'Begin a new version of a list',
        description: 'Upload its files next, then start the import.',
        params: listParams,
        body: createScreeningVersionSchema,
        response: answers(201, screeningVersionSchema),
      },
    },
    async (request, reply) => {
      const nowMs = deps.clock.nowMs();
      const by = actorOf(request);
      const { list } = request.params;
      const { format } = request.body;
      return await answerOnce({ ...deps, nowMs }, { request, reply }, async (tx) => {
        if ((await readList(tx, list)) === undefined) throw noSuchList();
        if ((await countOpenUploads(tx)) >= MAX_OPEN_UPLOADS) {
          throw new AppError('conflict', 'Too many uploads are open; finish or reject some first.');
        }
        const id = deps.ids.next();
        const made = { id, list, format, proposedBy: by, createdAtMs: nowMs };
        const version = await insertVersion(tx, made);
        await note(tx, deps, {
          ...{ by, action: 'screening_version.created', subject: id, detail: { list, format } },
        });
        reply.header('location', `/v1/compliance/list-versions/${id}`);
        return { status: 201, body: versionJson(version, null) };
      });
    },
  );
  app.post(
    '/v1/compliance/lists/:list/rollback',
    {
      config: { ...needs(instanceScope), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'rollBackScreeningList',
        summary: 'Propose the version that was active before the present one',
        description:
          'It is compared with what is active, and takes effect when a second person signs it off.',
        params: listParams,
        body: noBodySchema,
        response: answers(200, screeningVersionSchema),
      },
    },
    async (request, reply) => {
      const nowMs = deps.clock.nowMs();
      const by = actorOf(request);
      const { list } = request.params;
      return await answerOnce({ ...deps, nowMs }, { request, reply }, async (tx) => {
        const version = await proposeFormerVersion(tx, { list, by });
        await note(tx, deps, {
          ...{ by, action: 'screening_version.proposed_again', subject: version.id },
          detail: { list },
        });
        return { status: 200, body: versionJson(version, await activeIdOf(tx, version)) };
      });
    },
  );
}

function addListReads(app: HttpApp, deps: ScreeningRouteDeps): void {
  const readers = needs(instanceScope, 'compliance:read');
  app.get(
    '/v1/compliance/lists',
    {
      config: readers,
      schema: {
        tags,
        operationId: 'listScreeningLists',
        summary: 'List the lists, with what is active of each',
        response: answers(200, screeningListsSchema),
      },
    },
    async () => {
      const nowMs = deps.clock.nowMs();
      return await deps.database.asSystem(async (tx) => {
        const data = [];
        for (const list of await readLists(tx)) {
          data.push(listJson(list, await readActiveVersion(tx, list.name), nowMs));
        }
        const last = await readLatestRescreen(tx);
        const rescreening = last === undefined ? null : rescreenJson(last);
        return { data, inUse: versionRefs(deps.screener.versions()), rescreening };
      });
    },
  );
  app.get(
    '/v1/compliance/lists/:list/versions',
    {
      config: readers,
      schema: {
        tags,
        operationId: 'listScreeningVersions',
        summary: "List a list's versions, newest first",
        params: listParams,
        querystring: pageQuerySchema,
        response: answers(200, screeningVersionPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const { list } = request.params;
      return await deps.database.asSystem(async (tx) => {
        if ((await readList(tx, list)) === undefined) throw noSuchList();
        const found = await readVersions(tx, { list, startingAfter, limit: limit + 1 });
        return pageOfRows(found, limit, versionSummaryJson);
      });
    },
  );
  app.get(
    '/v1/compliance/list-versions/:version',
    {
      config: readers,
      schema: {
        tags,
        operationId: 'readScreeningVersion',
        summary: 'Read a version: counts, what could not be read, what it changes',
        params: versionParams,
        response: answers(200, screeningVersionSchema),
      },
    },
    async (request) =>
      await deps.database.asSystem(async (tx) => {
        const version = await existingVersion(tx, request.params.version);
        return versionJson(version, await activeIdOf(tx, version));
      }),
  );
}

type Latest = NonNullable<Awaited<ReturnType<typeof readLatestRescreen>>>;

function rescreenJson({ epoch, state, screened, createdAt, finishedAt }: Latest) {
  return {
    epoch: String(epoch),
    state,
    screened: String(screened),
    startedAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

export async function activeIdOf(tx: Tx, { list }: Version): Promise<Uuid | null> {
  return (await readActiveVersion(tx, list))?.id ?? null;
}

/** Notes in the instance's audit log who did what with a list. */
export async function note(
  tx: Tx,
  deps: ScreeningRouteDeps,
  {
    by: actor,
    ...what
  }: { by: string; action: string; subject: string; detail: Record<string, string | number> },
): Promise<void> {
  const [id, atMs] = [deps.ids.next(), deps.clock.nowMs()];
  await deps.recordAudit(tx, { merchantId: INSTANCE_ID, id, atMs, actor, ...what });
}
