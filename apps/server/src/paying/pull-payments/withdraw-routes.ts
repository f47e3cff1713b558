import type { Msats } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type HttpApp, lnurlError, open, queryText } from '../../platform/http/index.ts';
import { linkHash } from './create-pull-payment.ts';
import type { PullPayment } from './pull-payment.ts';
import { WithdrawRefused } from './refusals.ts';
import { findPullPaymentByLink } from './store.ts';
import { offerWithdraw, takeWithdraw, type WithdrawDeps, type WithdrawOffer } from './withdraw.ts';

export type WithdrawRouteDeps = WithdrawDeps & {
  /** Where wallets reach this server, without a slash at the end. */
  publicUrl: string;
  /** `drawn`, or why it was refused. */
  onDraw?(outcome: string): void;
};

/** The largest whole satoshi that a reader with doubles still reads exactly: some 90,000 BTC. */
const MAX_JSON_MSAT = 9_007_199_254_740_000n;
const CALLBACK_PATH = '/lnurl/withdraw-callback';

const secretParams = z.object({ secret: z.string() });

/** Wallets and terminals: LNURL-withdraw (LUD-03). Whoever has the link or the k1 may. */
export function addWithdrawRoutes(scope: HttpApp, deps: WithdrawRouteDeps): void {
  // A preview of the link (HEAD) must not count as a request.
  const hidden = { schema: { hide: true }, config: open, exposeHeadRoute: false };
  scope.get('/lnurl/withdraw/:secret', hidden, (request) =>
    refusable(undefined, async () => {
      const { pull, offer } = await offerByLink(deps, secretOf(request));
      return withdrawAnswer(deps, { offer, description: pull.name });
    }),
  );
  scope.get(CALLBACK_PATH, hidden, (request) =>
    refusable(deps.onDraw, async () => {
      const [k1, pr] = [queryText(request, 'k1'), queryText(request, 'pr')];
      if (k1 === undefined) throw new WithdrawRefused('k1_unknown');
      if (pr === undefined) throw new WithdrawRefused('invoice_invalid');
      await takeWithdraw(deps, { k1, pr });
      deps.onDraw?.('drawn');
      return { status: 'OK' };
    }),
  );
}

/** @throws {WithdrawRefused} */
export async function offerByLink(
  deps: WithdrawDeps,
  secret: string,
): Promise<{ pull: PullPayment; offer: WithdrawOffer }> {
  const hash = linkHash(secret);
  const { database, clock } = deps;
  const find = () =>
    hash === undefined ? undefined : database.asPublic((tx) => findPullPaymentByLink(tx, hash));
  const pull = await find();
  if (pull === undefined) throw new WithdrawRefused('unknown_link');
  const quote = await deps.quoteFor(pull);
  const nowMs = clock.nowMs();
  const offer = await database.asPublic((tx) => offerWithdraw(tx, deps, { pull, quote, nowMs }));
  return { pull, offer };
}

/** What a wallet is answered that may withdraw (LUD-03). */
export function withdrawAnswer(
  { publicUrl }: { publicUrl: string },
  { offer, description }: { offer: WithdrawOffer; description: string },
) {
  return {
    tag: 'withdrawRequest',
    callback: `${publicUrl}${CALLBACK_PATH}`,
    k1: offer.k1,
    defaultDescription: description,
    minWithdrawable: jsonMsat(offer.minMsat),
    maxWithdrawable: jsonMsat(offer.maxMsat),
  };
}

/** Answers a refusal as wallets read it, and counts it. */
export async function refusable<Body>(
  count: ((outcome: string) => void) | undefined,
  work: () => Promise<Body>,
): Promise<Body | ReturnType<typeof lnurlError>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WithdrawRefused)) throw error;
    count?.(error.refusal);
    return lnurlError(error.message);
  }
}

function jsonMsat(msat: Msats): number {
  return Number(msat > MAX_JSON_MSAT ? MAX_JSON_MSAT : msat);
}

function secretOf(request: FastifyRequest): string {
  return secretParams.parse(request.params).secret;
}
