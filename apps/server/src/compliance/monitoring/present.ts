import type {
  MonitoringBacktest,
  MonitoringConfigJson,
  MonitoringParty,
} from '@quittance/contract';
import { isoTime } from '@quittance/kernel';
import type { Backtest } from './backtest-store.ts';
import type { ConfigVersion } from './config-store.ts';
import type { RecordedMovement } from './movement-store.ts';

export function configJson(version: ConfigVersion): MonitoringConfigJson {
  const { id, state, settings, reason, proposedBy, decidedBy, decidedAtMs } = version;
  return {
    ...{ id, version: version.version, state, settings, reason, proposedBy },
    proposedAt: isoTime(version.proposedAtMs),
    decidedBy,
    decidedAt: decidedAtMs === null ? null : isoTime(decidedAtMs),
  };
}

export function backtestJson(backtest: Backtest): MonitoringBacktest {
  const { id, state, settings, fromMs, toMs, requestedBy, finishedAtMs, result } = backtest;
  return {
    ...{ id, state, settings, requestedBy, result },
    from: fromMs === null ? null : isoTime(fromMs),
    to: toMs === null ? null : isoTime(toMs),
    requestedAt: isoTime(backtest.requestedAtMs),
    finishedAt: finishedAtMs === null ? null : isoTime(finishedAtMs),
  };
}

export function movementJson(movement: RecordedMovement): MonitoringParty['movements'][number] {
  const { id, atMs, direction, counterparty, amountMinor, currency, amountSats } = movement;
  return {
    ...{ id, at: isoTime(atMs), direction, counterparty, currency },
    amountMinor: amountMinor === null ? null : amountMinor.toString(),
    amountSats: amountSats.toString(),
    undone: movement.isUndone,
  };
}
