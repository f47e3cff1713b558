import { isUuid, type Uuid } from '@quittance/kernel';

/** What a viewer of an order is told. A later state has a higher version. */
export type Frame = {
  orderId: Uuid;
  status: string;
  /** ISO 8601. */
  timestamp: string;
  version: number;
  confirmations?: number;
};

/** Tells whether `next` says something that `last` did not. */
export function isNews(next: Frame, last: Frame | undefined): boolean {
  if (last === undefined || next.version > last.version) return true;
  return next.version === last.version && next.confirmations !== last.confirmations;
}

/** Reads the payload of NOTIFY quittance_orders; undefined when it is not one. */
export function parseFrame(payload: string): Frame | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  if (!('orderId' in parsed && 'status' in parsed)) return undefined;
  if (!('timestamp' in parsed && 'version' in parsed)) return undefined;
  const { orderId, status, timestamp, version } = parsed;
  if (typeof orderId !== 'string' || !isUuid(orderId) || typeof status !== 'string')
    return undefined;
  if (typeof timestamp !== 'string' || typeof version !== 'number') return undefined;
  const frame = { orderId, status, timestamp, version };
  const confirmations = 'confirmations' in parsed ? parsed.confirmations : undefined;
  return typeof confirmations === 'number' ? { ...frame, confirmations } : frame;
}
