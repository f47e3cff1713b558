import { MAX_BBQR_PARTS, psbtToBase64, readBbqr } from '@quittance/bitcoin';
import {
  importedPsbtSchema,
  MAX_PSBT_BYTES,
  MAX_PSBT_TEXT,
  type SignedPsbt,
  signedPsbtSchema,
  spendPsbtQrQuerySchema,
  spendPsbtQrSchema,
  spendPsbtSchema,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  actorOf,
  answers,
  fileAnswers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import {
  psbtRefused,
  psbtTooLarge,
  qrPartsRefused,
  tooLargeForQr,
  tooManyToDraw,
} from './errors.ts';
import { exportPsbt, importSignedPsbt } from './exchange-psbt.ts';
import { spendJson } from './present.ts';
import { drawQrCodes, MAX_DRAWN_CODES, qrTexts } from './psbt-qr.ts';
import { audit, readOwn, type SpendRouteDeps } from './route-deps.ts';

const tags = ['Spends'];
const params = z.strictObject({ id: uuidText });
const FILE_TYPE = 'application/octet-stream';
/** The largest PSBT in base64 with its JSON; it has room for the largest QR series as well. */
const MAX_BODY_BYTES = MAX_PSBT_TEXT + 65_536;
const OUT_IN_THE_WORLD =
  'Whoever has it may finish and send it: from now on the spend counts as out in the world.';

/** How a transaction gets to a signer that is elsewhere, and back: as text, file or QR codes. */
export function addPsbtRoutes(app: HttpApp, deps: SpendRouteDeps): void {
  addExports(app, deps);
  addQrExport(app, deps);
  // In a scope of its own: files are taken here and nowhere else.
  void app.register(async (scope) => {
    scope.addContentTypeParser(FILE_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
      const file = bodyOfFile(Buffer.from(body));
      if (file.psbt.length > MAX_PSBT_TEXT) done(psbtTooLarge());
      else done(null, file);
    });
    addImport(scope, deps);
  });
}

function addExports(app: HttpApp, deps: SpendRouteDeps): void {
  app.get(
    '/v1/spends/:id/psbt',
    {
      config: needs('payouts:write'),
      schema: {
        tags,
        operationId: 'exportPsbt',
        summary: 'The PSBT that waits for signatures',
        description: OUT_IN_THE_WORLD,
        params,
        response: answers(200, spendPsbtSchema),
      },
    },
    async (request) => {
      const { version, psbt } = await exported(deps, request, request.params.id);
      return { version, psbt: psbtToBase64(psbt) };
    },
  );
  app.get(
    '/v1/spends/:id/psbt.psbt',
    {
      config: needs('payouts:write'),
      schema: {
        tags,
        operationId: 'downloadPsbt',
        summary: 'The same as a file, for a memory card',
        description: OUT_IN_THE_WORLD,
        params,
        response: fileAnswers(FILE_TYPE, 'PSBT (BIP174), binary'),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { version, psbt } = await exported(deps, request, id);
      const name = `spend-${id}-${version}.psbt`;
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return await reply.type(FILE_TYPE).send(Buffer.from(psbt));
    },
  );
}

function addQrExport(app: HttpApp, deps: SpendRouteDeps): void {
  app.get(
    '/v1/spends/:id/psbt/qr',
    {
      config: needs('payouts:write'),
      schema: {
        tags,
        operationId: 'exportPsbtQr',
        summary: 'The same as the parts of an animated QR code (BBQr)',
        description:
          `${OUT_IN_THE_WORLD} Show the parts one after the other, about four a second, again ` +
          `and again. Pictures are drawn of up to ${MAX_DRAWN_CODES} parts.`,
        params,
        querystring: spendPsbtQrQuerySchema,
        response: answers(200, spendPsbtQrSchema),
      },
    },
    async (request) => {
      const { density, images } = request.query;
      const own = { merchantId: merchantOf(request), spendId: request.params.id };
      // What can not be shown is not given out: the refusal takes that back.
      const shown = await deps.database.asTenant(own.merchantId, async (tx) => {
        const { version, psbt } = await exportPsbt(tx, deps, own);
        const parts = qrTexts(psbt, density);
        if (parts === null) throw tooLargeForQr(MAX_BBQR_PARTS);
        const isTooMuch = images !== undefined && parts.length > MAX_DRAWN_CODES;
        if (isTooMuch) throw tooManyToDraw(parts.length, MAX_DRAWN_CODES);
        return { version, parts };
      });
      if (images === undefined) return shown;
      return { ...shown, images: await drawQrCodes(shown.parts, density) };
    },
  );
}

function addImport(app: HttpApp, deps: SpendRouteDeps): void {
  app.put(
    '/v1/spends/:id/psbt',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { ...needs('payouts:write'), fileType: FILE_TYPE },
      schema: {
        tags,
        operationId: 'importSignedPsbt',
        summary: 'Give back a signed PSBT',
        description:
          'As base64 in `psbt`, as the scanned parts of a BBQr code in `parts`, or as a file ' +
          `(\`${FILE_TYPE}\`). Every signature is verified. Those of a multisig wallet may come ` +
          'one after the other; with the last one the transaction is stored and sent.',
        params,
        body: signedPsbtSchema,
        response: answers(200, importedPsbtSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const own = { merchantId, spendId: request.params.id };
      const psbt = signedPsbtOf(request.body);
      return await deps.database.asTenant(merchantId, async (tx) => {
        const imported = await importSignedPsbt(tx, deps, { ...own, psbt });
        const entry = { merchantId, actor: actorOf(request), subject: own.spendId };
        await audit(tx, deps, { ...entry, action: 'spend.signatures_imported' });
        return { ...imported, spend: spendJson(await readOwn(tx, own.spendId)) };
      });
    },
  );
}

async function exported(deps: SpendRouteDeps, request: FastifyRequest, spendId: Uuid) {
  const own = { merchantId: merchantOf(request), spendId };
  return await deps.database.asTenant(own.merchantId, (tx) => exportPsbt(tx, deps, own));
}

/** A file in the form of the JSON: some programs write base64 into their files. */
function bodyOfFile(file: Buffer): { psbt: string } {
  const isText = file.subarray(0, MAGIC_TEXT.length).toString('latin1') === MAGIC_TEXT;
  return { psbt: isText ? file.toString('latin1') : file.toString('base64') };
}

/** How every PSBT in base64 begins: "psbt" and 0xff (BIP174). */
const MAGIC_TEXT = 'cHNidP';

/** @throws {AppError} invalid_psbt, payload_too_large, invalid_qr_parts, qr_parts_missing */
function signedPsbtOf({ psbt, parts }: SignedPsbt): string | Uint8Array {
  if (parts === undefined) {
    if (psbt === undefined) throw psbtRefused('there is none');
    return psbt;
  }
  const read = readBbqr(parts);
  if (!read.ok) throw qrPartsRefused(read.code, read.reason);
  if (read.psbt.length > MAX_PSBT_BYTES) throw psbtTooLarge();
  return read.psbt;
}
