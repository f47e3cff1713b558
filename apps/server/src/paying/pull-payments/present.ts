import type {
  Draw as DrawJson,
  PullPayment as PullPaymentJson,
  PullPaymentLinks,
} from '@quittance/contract';
import { encodeLnurl, lnurlWithScheme } from '@quittance/bitcoin';
import type { Currency } from '@quittance/kernel';
import QRCode from 'qrcode';
import type { Tx } from '../../platform/db/index.ts';
import { readAllowances } from './allowance-store.ts';
import { currentPeriod, type Draw, type PullPayment } from './pull-payment.ts';
import { formatUnits } from './units.ts';

/** Pull payments as they are answered, with what is left of each at this moment. */
export async function pullPaymentsJson(
  tx: Tx,
  pulls: readonly PullPayment[],
  nowMs: number,
): Promise<PullPaymentJson[]> {
  const keys = pulls.map((pull) => ({
    merchantId: pull.merchantId,
    holderId: pull.id,
    periodStartMs: currentPeriod(pull, nowMs).startMs,
  }));
  const used = await readAllowances(tx, keys);
  return pulls.map((pull) => pullPaymentJson(pull, { usedUnits: used.get(pull.id) ?? 0n, nowMs }));
}

function pullPaymentJson(
  pull: PullPayment,
  { usedUnits, nowMs }: { usedUnits: bigint; nowMs: number },
): PullPaymentJson {
  const { startMs, endMs } = currentPeriod(pull, nowMs);
  const { currency, limitUnits } = pull;
  const remaining = limitUnits > usedUnits ? limitUnits - usedUnits : 0n;
  return {
    id: pull.id,
    merchantId: pull.merchantId,
    name: pull.name,
    description: pull.description,
    state: pull.state,
    limit: money(limitUnits, currency),
    period: pull.period,
    used: money(usedUnits, currency),
    remaining: money(remaining, currency),
    periodStart: timeText(startMs),
    periodEnd: maybeTime(endMs),
    minDrawSats: satsText(pull.minDrawMsat),
    maxDrawSats: pull.maxDrawMsat === null ? null : satsText(pull.maxDrawMsat),
    startsAt: timeText(pull.startsAtMs),
    expiresAt: maybeTime(pull.expiresAtMs),
    hasLink: pull.linkHash !== null,
    approvalsNeeded: pull.approvalsNeeded,
    approvals: pull.approvals.map(({ by, atMs }) => ({ by, at: timeText(atMs) })),
    createdBy: pull.createdBy,
    createdAt: timeText(pull.createdAtMs),
    archivedAt: maybeTime(pull.archivedAtMs),
    updatedAt: timeText(pull.updatedAtMs),
  };
}

export function drawJson(draw: Draw, currency: Currency): DrawJson {
  return {
    id: draw.id,
    pullPaymentId: draw.pullPaymentId,
    cardId: draw.cardId,
    state: draw.state,
    reason: draw.reason,
    amountMsat: draw.amountMsat.toString(),
    takes: money(draw.units, currency),
    rate: draw.rate,
    payoutId: draw.payoutId,
    invoice: draw.invoice,
    createdAt: timeText(draw.createdAtMs),
    finishedAt: maybeTime(draw.finishedAtMs),
  };
}

/** Where a wallet asks for what it may withdraw, with the secret of a link. */
export function withdrawUrl(publicUrl: string, secret: string): string {
  return `${publicUrl}/lnurl/withdraw/${secret}`;
}

export async function linksOf(publicUrl: string, secret: string): Promise<PullPaymentLinks> {
  const url = withdrawUrl(publicUrl, secret);
  const lnurl = encodeLnurl(url).toUpperCase();
  return {
    url: `${publicUrl}/pull/${secret}`,
    lnurl,
    lnurlw: lnurlWithScheme(url, 'withdraw'),
    qrCode: await QRCode.toDataURL(lnurl),
  };
}

function money(units: bigint, currency: Currency) {
  return { amount: formatUnits(units, currency), currency };
}

/** Limits are made of whole satoshis. */
function satsText(msat: bigint): string {
  return (msat / 1_000n).toString();
}

function maybeTime(ms: number | null): string | null {
  return ms === null ? null : timeText(ms);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
