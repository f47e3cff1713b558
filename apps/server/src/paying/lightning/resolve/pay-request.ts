import { decodeBolt11, type DecodedBolt11 } from '@quittance/bitcoin';
import type { Msats } from '@quittance/kernel';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { OutboundAnswer } from '../../../platform/outbound/index.ts';
import { type Failed, failureOf } from './failures.ts';

/** What a service says of itself before it is asked for an invoice (LUD-06). */
export type PayRequest = {
  readonly domain: string;
  readonly callback: string;
  readonly minMsat: Msats;
  readonly maxMsat: Msats;
  /** Of the service's own text, for people. Never markup. */
  readonly description: string;
  readonly longDescription: string | null;
  /** What the service calls the payee: "user@domain" (LUD-16). */
  readonly identifier: string | null;
  /** Longest comment that it takes, in characters (LUD-12). */
  readonly commentLength: number;
  /** Of the metadata as they came: an invoice may commit to it. */
  readonly metadataSha256: string;
};

/** What to show when the payment has succeeded (LUD-09, LUD-10). Texts only: nothing is opened. */
export type SuccessAction =
  | { readonly tag: 'message'; readonly message: string }
  | { readonly tag: 'url'; readonly description: string; readonly url: string }
  | {
      readonly tag: 'aes';
      readonly description: string;
      /** Base64; the key is the preimage (LUD-10). */
      readonly ciphertext: string;
      readonly iv: string;
    };

export type ServiceInvoice = {
  readonly invoice: DecodedBolt11;
  readonly successAction: SuccessAction | null;
};

/** LUD-09 and LUD-10 say how long these may be; longer ones are cut. */
const MAX_ACTION_TEXT = 144;
const MAX_CIPHERTEXT = 4_096;
const MAX_URL = 2_000;
/** Of a service's own texts that people get to see. */
const MAX_DESCRIPTION = 640;
const MAX_LONG_DESCRIPTION = 4_000;
const MAX_QUOTE = 200;

const refusalSchema = z.object({ status: z.string(), reason: z.unknown().optional() });
const payRequestSchema = z.object({
  callback: z.string().max(MAX_URL),
  minSendable: z.number().int().min(1),
  // Some name a number beyond all bitcoin, and beyond what a double holds exactly, for "any".
  maxSendable: z.number().min(1).transform(Math.floor),
  metadata: z.string(),
  commentAllowed: z.number().min(0).optional().catch(undefined),
  payerData: z.record(z.string(), z.unknown()).nullish().catch(undefined),
});
/** Pairs of a type and whatever; what follows need not be text. */
const metadataSchema = z.array(z.tuple([z.string()], z.unknown()));
const invoiceSchema = z.object({ pr: z.string(), successAction: z.unknown().optional() });
const actionSchema = z.discriminatedUnion('tag', [
  z.object({ tag: z.literal('message'), message: z.string() }),
  z.object({ tag: z.literal('url'), description: z.string(), url: z.string().max(MAX_URL) }),
  z.object({
    tag: z.literal('aes'),
    description: z.string(),
    ciphertext: z.string().max(MAX_CIPHERTEXT),
    iv: z.string().length(24),
  }),
]);

type Origin = {
  /** The host that a person was shown and trusts. */
  readonly domain: string;
  /** Whether it is a Lightning address, for which LUD-16 demands more. */
  readonly isAddress: boolean;
};

/** Reads a service's first answer (LUD-06 step 3; LUD-16). */
export function readPayRequest(
  answer: OutboundAnswer,
  origin: Origin,
): { readonly ok: true; readonly request: PayRequest } | Failed {
  const json = readJson(answer, origin.domain);
  if (!json.ok) return json;
  const bad = (why: string) => failureOf('bad_answer', `${origin.domain} ${why}`, origin.domain);
  const tag = z.object({ tag: z.string() }).safeParse(json.value).data?.tag;
  if (tag === undefined) return bad('answers without saying what it is (no tag)');
  if (tag !== 'payRequest') {
    const sentence = `${origin.domain} offers "${quote(tag)}" and takes no payments`;
    return failureOf('not_for_paying', sentence, origin.domain);
  }
  const parsed = payRequestSchema.safeParse(json.value);
  if (!parsed.success) return bad(`answers what is no payRequest: ${whatIsWrong(parsed.error)}`);
  const { callback, minSendable, maxSendable, commentAllowed, payerData } = parsed.data;
  if (minSendable > maxSendable) return bad('takes no amount at all: its least is above its most');
  const metadata = readMetadata(parsed.data.metadata);
  if (metadata === null) return bad('has metadata that are not as LUD-06 says');
  if (origin.isAddress && metadata.identifier === null) {
    return bad('does not name the address in its metadata, which LUD-16 demands');
  }
  if (wantsPayerData(payerData)) {
    const sentence = `${origin.domain} demands data about the payer (LUD-18)`;
    return failureOf('payer_data_required', sentence, origin.domain);
  }
  const request: PayRequest = {
    domain: origin.domain,
    callback,
    minMsat: BigInt(minSendable),
    maxMsat: BigInt(maxSendable),
    ...metadata,
    commentLength: Math.floor(commentAllowed ?? 0),
    metadataSha256: createHash('sha256').update(parsed.data.metadata, 'utf8').digest('hex'),
  };
  return { ok: true, request };
}

/** Where to ask for the invoice: the callback with the amount, and the comment (LUD-06, LUD-12). */
export function callbackUrl(
  request: PayRequest,
  amountMsat: Msats,
  comment: string | null,
): { readonly ok: true; readonly url: string } | Failed {
  const { domain } = request;
  const url = URL.parse(request.callback);
  if (url === null) {
    return failureOf('bad_answer', `${domain} names a callback that is no address`, domain);
  }
  // Of two amounts in one address, nobody knows which one counts.
  if (url.searchParams.has('amount') || url.searchParams.has('comment')) {
    return failureOf('bad_answer', `${domain} names a callback with an amount in it`, domain);
  }
  url.hash = '';
  const asked = `amount=${amountMsat}`;
  const said = comment === null ? '' : `&comment=${encodeURIComponent(comment.toWellFormed())}`;
  // The rest of the query stays as it is written: it may be signed.
  url.search = `${url.search === '' ? '?' : `${url.search}&`}${asked}${said}`;
  return { ok: true, url: url.href };
}

/** Reads a service's second answer (LUD-06 step 5; LUD-09, LUD-10). */
export function readServiceInvoice(
  answer: OutboundAnswer,
  request: PayRequest,
): ({ readonly ok: true } & ServiceInvoice) | Failed {
  const { domain } = request;
  const json = readJson(answer, domain);
  if (!json.ok) return json;
  const parsed = invoiceSchema.safeParse(json.value);
  if (!parsed.success) {
    return failureOf('bad_answer', `${domain} answers without an invoice`, domain);
  }
  const successAction = readSuccessAction(parsed.data.successAction, request);
  if (successAction === undefined) {
    const sentence = `${domain} wants to show after the payment what is not known here (LUD-09)`;
    return failureOf('unknown_success_action', sentence, domain);
  }
  const decoded = decodeBolt11(parsed.data.pr);
  if (!decoded.ok) {
    const sentence = `${domain} gave an invoice that can not be used: ${decoded.reason}`;
    return failureOf('unreadable_invoice', sentence, domain);
  }
  return { ok: true, invoice: decoded.invoice, successAction };
}

/**
 * A JSON object that is no error message. Status codes and content types mean nothing (LUD-01), but
 * they help to say what went wrong when the body is no JSON.
 */
function readJson(
  answer: OutboundAnswer,
  domain: string,
): { readonly ok: true; readonly value: object } | Failed {
  if (!answer.ok) return failureOf(answer.code, `${domain}: ${answer.reason}`, domain);
  const value = parseJson(answer.body);
  if (value === null) {
    const sentence = `${domain} answers ${answer.status} with something other than a JSON object`;
    if (answer.status >= 500) return failureOf('server_error', sentence, domain);
    return failureOf(answer.status === 404 ? 'unknown_user' : 'bad_answer', sentence, domain);
  }
  const refusal = refusalSchema.safeParse(value).data;
  if (refusal?.status.toUpperCase() === 'ERROR') {
    const sentence = `${domain} refused: "${quote(String(refusal.reason ?? 'no reason given'))}"`;
    return failureOf('service_refused', sentence, domain);
  }
  return { ok: true, value };
}

function parseJson(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function readMetadata(
  text: string,
): Pick<PayRequest, 'description' | 'longDescription' | 'identifier'> | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const entries = metadataSchema.safeParse(json).data;
  if (entries === undefined) return null;
  const texts = (type: string) =>
    entries.filter(([each]) => each === type).map(([, value]) => value);
  const [description, ...more] = texts('text/plain');
  if (typeof description !== 'string' || more.length > 0) return null;
  const [longDescription] = texts('text/long-desc');
  const [identifier] = [...texts('text/identifier'), ...texts('text/email')];
  const shown = (value: unknown, most: number) =>
    typeof value === 'string' ? plain(value).slice(0, most) : null;
  return {
    description: plain(description).slice(0, MAX_DESCRIPTION),
    longDescription: shown(longDescription, MAX_LONG_DESCRIPTION),
    identifier: shown(identifier, MAX_DESCRIPTION),
  };
}

/** LUD-18: each entry says whether it is mandatory. */
function wantsPayerData(payerData: Record<string, unknown> | null | undefined): boolean {
  const mandatory = z.object({ mandatory: z.literal(true) });
  return Object.values(payerData ?? {}).some((each) => mandatory.safeParse(each).success);
}

/** Undefined when it is of a kind that is not known, with which one must not pay (LUD-09). */
function readSuccessAction(
  value: unknown,
  { callback }: PayRequest,
): SuccessAction | null | undefined {
  if (value === undefined || value === null) return null;
  const action = actionSchema.safeParse(value).data;
  if (action === undefined) return undefined;
  const short = (text: string) => plain(text).slice(0, MAX_ACTION_TEXT);
  if (action.tag === 'message') return { tag: 'message', message: short(action.message) };
  const description = short(action.description);
  if (action.tag === 'aes') return { ...action, description };
  // Only to the service's own place (LUD-09); of any other link, only the words are kept.
  const url = URL.parse(action.url);
  const isOwn = url?.protocol === 'https:' && url.hostname === URL.parse(callback)?.hostname;
  return isOwn
    ? { tag: 'url', description, url: url.href }
    : { tag: 'message', message: description };
}

/** Text of strangers for logs and tables: no control characters, no changes of direction. */
function plain(text: string): string {
  return text.toWellFormed().replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '');
}

function quote(text: string): string {
  return plain(text).replaceAll(/\s+/g, ' ').slice(0, MAX_QUOTE);
}

function whatIsWrong(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'unknown' : `${issue.path.join('.')} (${issue.code})`;
}
