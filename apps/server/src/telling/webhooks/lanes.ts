import type { Uuid } from '@quittance/kernel';

export type LaneLimits = {
  /** Attempts under way at once that began less than `slowAfterMs` ago. */
  fastSlots: number;
  /** Attempts under way at once at endpoints that are known to be slow. */
  slowSlots: number;
  /** Attempts under way at once at one endpoint that is well. */
  perEndpoint: number;
  /** An attempt that lasts longer makes room in the fast lane and marks its endpoint slow. */
  slowAfterMs: number;
  /** All attempts together, as many sockets. */
  maxInFlight: number;
};

export const defaultLaneLimits: LaneLimits = {
  fastSlots: 64,
  slowSlots: 32,
  perEndpoint: 4,
  slowAfterMs: 1_000,
  maxInFlight: 512,
};

/** Endpoints remembered as slow; beyond it the oldest is forgotten and has to prove slow again. */
const MAX_REMEMBERED_SLOW = 10_000;

type Ride = { endpointId: Uuid; slow: boolean };
export type Lanes = {
  /** Room for new attempts, in each lane. */
  room(): { fastSlots: number; slowSlots: number };
  busy(): ReadonlyMap<Uuid, number>;
  slow(): ReadonlySet<Uuid>;
  inFlight(): number;
  enter(endpointId: Uuid): Ride;
  /** The attempt lasts: its endpoint is slow from now on. */
  slowDown(ride: Ride): void;
  /** @param tookMs an attempt that ended fast clears its endpoint's name */
  leave(ride: Ride, tookMs: number): void;
};

/**
 * Keeps the count of attempts under way, so that slow and hanging endpoints never hold the slots of
 * the others for longer than `slowAfterMs`, and only once.
 */
export function makeLanes(limits: LaneLimits): Lanes {
  const busy = new Map<Uuid, number>();
  const slow = new Set<Uuid>();
  let fastRides = 0;
  let slowRides = 0;
  return {
    room() {
      const free = limits.maxInFlight - fastRides - slowRides;
      const room = (slots: number, used: number) => Math.max(0, Math.min(slots - used, free));
      return {
        fastSlots: room(limits.fastSlots, fastRides),
        slowSlots: room(limits.slowSlots, slowRides),
      };
    },
    busy: () => busy,
    slow: () => slow,
    inFlight: () => fastRides + slowRides,
    enter(endpointId) {
      busy.set(endpointId, (busy.get(endpointId) ?? 0) + 1);
      const ride = { endpointId, slow: slow.has(endpointId) };
      if (ride.slow) slowRides++;
      else fastRides++;
      return ride;
    },
    slowDown(ride) {
      if (!ride.slow) {
        ride.slow = true;
        fastRides--;
        slowRides++;
      }
      slow.delete(ride.endpointId);
      slow.add(ride.endpointId);
      if (slow.size <= MAX_REMEMBERED_SLOW) return;
      for (const oldest of slow) {
        slow.delete(oldest);
        break;
      }
    },
    leave(ride, tookMs) {
      const left = (busy.get(ride.endpointId) ?? 0) - 1;
      if (left > 0) busy.set(ride.endpointId, left);
      else busy.delete(ride.endpointId);
      if (ride.slow) slowRides--;
      else fastRides--;
      if (tookMs < limits.slowAfterMs) slow.delete(ride.endpointId);
    },
  };
}
