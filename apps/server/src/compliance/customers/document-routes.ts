import {
  addCustomerDocumentSchema,
  customerDocumentSchema,
  customerDocumentsSchema,
  MAX_DOCUMENT_TEXT,
} from '@quittance/contract';
import {
  answers,
  fileAnswers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import { fileEndings } from './document.ts';
import { readDocuments } from './document-store.ts';
import { addDocument, openDocument } from './documents.ts';
import { readErasureDueMs } from './erasure-store.ts';
import { documentJson } from './present.ts';
import {
  answerSealed,
  type CustomerRouteDeps,
  doingOf,
  existing,
  ownIn,
  params,
  PATH,
  tags,
} from './route-deps.ts';

/** The largest document in base64 with its JSON. */
const MAX_BODY_BYTES = MAX_DOCUMENT_TEXT + 65_536;
const BYTES = 'application/octet-stream';

export function addCustomerDocumentRoutes(app: HttpApp, deps: CustomerRouteDeps): void {
  app.post(
    `${PATH}/:id/documents`,
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'addCustomerDocument',
        summary: 'Keep a document of a customer',
        description: 'Its type is read from its bytes. It is sealed and goes with the customer.',
        params,
        body: addCustomerDocumentSchema,
        response: answers(201, customerDocumentSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        const document = await addDocument(tx, deps, { own, input: request.body, doing });
        const retainedUntilMs = await readErasureDueMs(tx, own);
        return { status: 201, body: documentJson(document, retainedUntilMs) };
      }),
  );
  app.get(
    `${PATH}/:id/documents`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listCustomerDocuments',
        summary: 'List the documents of a customer, newest first',
        params,
        response: answers(200, customerDocumentsSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        await existing(tx, own);
        const retainedUntilMs = await readErasureDueMs(tx, own);
        const found = await readDocuments(tx, own);
        return { data: found.map((document) => documentJson(document, retainedUntilMs)) };
      });
    },
  );
  app.get(
    '/v1/compliance/customer-documents/:id/content',
    {
      config: needs('compliance:review'),
      schema: {
        tags,
        operationId: 'downloadCustomerDocument',
        summary: 'The document itself',
        description: "Who reads it is noted in the customer's log.",
        params,
        response: fileAnswers(BYTES, 'PDF, JPEG, PNG or WebP'),
      },
    },
    async (request, reply) => {
      const which = { merchantId: merchantOf(request), id: request.params.id };
      const doing = doingOf(deps, request);
      const { document, bytes } = await deps.database.asTenant(which.merchantId, (tx) =>
        openDocument(tx, deps, { which, doing }),
      );
      const name = `${document.type}-${document.id}.${fileEndings[document.mediaType]}`;
      // Never shown in the page: whatever is in it runs nowhere.
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return await reply.type(document.mediaType).send(Buffer.from(bytes));
    },
  );
}
