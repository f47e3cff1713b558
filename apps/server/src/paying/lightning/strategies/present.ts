import type { LightningSchedule, LightningStrategy } from '@quittance/contract';
import type { Schedule } from './preview-schedule.ts';

/** A schedule as the API tells it. */
export function presentSchedule(
  strategy: LightningStrategy,
  { attempts, waitsForPerson, endsAtMs, endReason }: Schedule,
): LightningSchedule {
  return {
    strategy,
    attempts: attempts.map(({ number, atMs, timeoutMs }) => ({
      ...{ number, at: new Date(atMs).toISOString() },
      timeoutSeconds: Math.round(timeoutMs / 1_000),
    })),
    waitsForPerson,
    endsAt: new Date(endsAtMs).toISOString(),
    endReason,
  };
}
