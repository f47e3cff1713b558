import { makeQueue } from './queue.ts';
import { AT_RECIPIENT, type Edge, type Recipient, type World } from './world.ts';

/**
 * A payer's node: finds the cheapest path by what the graph shows, tries it, leaves out the channel
 * that failed, tries the next. It knows its own balances and, for a while, where it failed.
 */

const MAX_PATHS = 12;
const HOP_MS = 350;
/** A node that has just gone may let a payment hang until its peer notices. */
const HANG_MS = 12_000;
/** How long it avoids a channel that failed, if there is another one. */
const REMEMBER_MS = 300_000;
const AVOID_PPM = 20_000;

export type AttemptRequest = {
  readonly recipient: Recipient;
  readonly amountSat: number;
  readonly feeLimitSat: number;
  readonly timeoutMs: number;
  readonly atMs: number;
};

export type AttemptResult = {
  readonly outcome:
    | 'succeeded'
    | 'no_route'
    | 'insufficient_capacity'
    | 'insufficient_local_balance'
    | 'fee_limit'
    | 'peer_offline'
    | 'recipient_rejected';
  readonly durationMs: number;
  readonly feeSat: number;
  readonly failedAt: string | null;
};

export type PayerNode = {
  pay(request: AttemptRequest): AttemptResult;
  /** The most that one payment can be now. */
  sendableSat(atMs: number): number;
};

/** How often its owner fills the channels up again. */
const REFILL_MS = 9 * 3_600_000;

export function makeNode(world: World): PayerNode {
  const local = world.ownPeers.map(() => world.ownCapacitySat * 0.8);
  const failedUntilMs = new Map<string, number>();
  let refilledMs = 0;
  const refill = (atMs: number) => {
    if (atMs - refilledMs < REFILL_MS) return;
    refilledMs = atMs;
    local.fill(world.ownCapacitySat * 0.8);
  };
  const isOnline = (node: number, atMs: number) => world.online[node]?.at(atMs) === 1;

  function tryPath(path: Path, request: AttemptRequest, atMs: number): Hop {
    let clockMs = atMs;
    for (const edge of path.edges) {
      clockMs += HOP_MS;
      const isLast = edge.to === AT_RECIPIENT;
      const present = isLast ? request.recipient.online.at(clockMs) : isOnline(edge.to, clockMs);
      if (!present) {
        const justWent = isLast
          ? request.recipient.online.at(clockMs - 60_000)
          : isOnline(edge.to, clockMs - 60_000);
        const tookMs = clockMs - atMs + (justWent ? HANG_MS : 0);
        return { ok: false, edge, why: 'peer_offline', tookMs };
      }
      if (edge.balanceSat(clockMs) < request.amountSat) {
        return { ok: false, edge, why: 'insufficient_capacity', tookMs: clockMs - atMs };
      }
    }
    return { ok: true, tookMs: 2 * (clockMs - atMs) };
  }

  return {
    sendableSat(atMs) {
      refill(atMs);
      return Math.max(...local);
    },
    pay(request) {
      const { recipient, amountSat, feeLimitSat, timeoutMs, atMs } = request;
      refill(atMs);
      const result = (
        outcome: AttemptResult['outcome'],
        durationMs: number,
        more: { feeSat?: number; failedAt?: string } = {},
      ): AttemptResult => ({
        ...{ outcome, durationMs: Math.min(timeoutMs, durationMs) },
        ...{ feeSat: more.feeSat ?? 0, failedAt: more.failedAt ?? null },
      });
      if (amountSat > Math.max(...local)) return result('insufficient_local_balance', 20);
      const excluded = new Set<Edge>();
      let clockMs = atMs + 50;
      let last: { why: AttemptResult['outcome']; failedAt?: string } = { why: 'no_route' };
      const done = (why: AttemptResult['outcome']) =>
        result(why, clockMs - atMs, last.failedAt === undefined ? {} : { failedAt: last.failedAt });
      for (let n = 0; n < MAX_PATHS && clockMs - atMs < timeoutMs; n++) {
        const path = cheapestPath(world, {
          ...{ recipient, amountSat, excluded, failedUntilMs, atMs: clockMs },
          canStart: (node) => startsAt(node),
        });
        if (path === null) return done(last.why);
        // What it would cost more than allowed, no later path costs less.
        if (path.feeSat > feeLimitSat) return done(n === 0 ? 'fee_limit' : last.why);
        const hop = tryPath(path, request, clockMs);
        clockMs += hop.tookMs;
        if (clockMs - atMs > timeoutMs) break;
        if (hop.ok) {
          if (recipient.rejects) return result('recipient_rejected', clockMs - atMs);
          spend(path.start, amountSat + path.feeSat);
          return result('succeeded', clockMs - atMs, { feeSat: path.feeSat });
        }
        excluded.add(hop.edge);
        failedUntilMs.set(hop.edge.id, clockMs + REMEMBER_MS);
        last = { why: hop.why, failedAt: hop.edge.id };
        // An answer of the last node about the recipient itself: other ways lead to the same.
        if (hop.edge.to === AT_RECIPIENT && hop.why === 'peer_offline') return done('peer_offline');
      }
      return done(last.why);

      function startsAt(node: number): boolean {
        return world.ownPeers.some(
          (peer, i) => peer === node && (local[i] ?? 0) >= amountSat && isOnline(peer, atMs),
        );
      }
    },
  };

  function spend(start: number, sat: number): void {
    // The fullest channel to that peer pays.
    let best = -1;
    world.ownPeers.forEach((peer, i) => {
      if (peer === start && (best === -1 || (local[i] ?? 0) > (local[best] ?? 0))) best = i;
    });
    local[best] = Math.max(0, (local[best] ?? 0) - sat);
  }
}

type Hop =
  | { readonly ok: true; readonly tookMs: number }
  | {
      readonly ok: false;
      readonly edge: Edge;
      readonly why: 'peer_offline' | 'insufficient_capacity';
      readonly tookMs: number;
    };

type Path = { readonly start: number; readonly edges: readonly Edge[]; readonly feeSat: number };

type Search = {
  readonly recipient: Recipient;
  readonly amountSat: number;
  readonly excluded: ReadonlySet<Edge>;
  readonly failedUntilMs: ReadonlyMap<string, number>;
  readonly atMs: number;
  readonly canStart: (node: number) => boolean;
};

/** Dijkstra from the recipient backwards; the graph shows capacities and fees, no balances. */
function cheapestPath(world: World, search: Search): Path | null {
  const { recipient, amountSat, excluded } = search;
  const count = world.edgesInto.length;
  const cost = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const via: (Edge | undefined)[] = [];
  const settled = new Uint8Array(count);
  const queue = makeQueue();
  const relax = (edge: Edge, before: number) => {
    if (edge.capacitySat < amountSat || excluded.has(edge)) return;
    const through = before + weight(edge, search);
    if (through >= (cost[edge.from] ?? 0)) return;
    cost[edge.from] = through;
    via[edge.from] = edge;
    queue.push(through, edge.from);
  };
  for (const edge of recipient.inbound) relax(edge, 0);
  for (let node = queue.pop(); node !== null; node = queue.pop()) {
    if (settled[node] === 1) continue;
    settled[node] = 1;
    if (search.canStart(node)) return readPath(node, via, amountSat);
    for (const edge of world.edgesInto[node] ?? []) relax(edge, cost[node] ?? 0);
  }
  return null;
}

function weight(edge: Edge, { amountSat, failedUntilMs, atMs }: Search): number {
  const avoided = (failedUntilMs.get(edge.id) ?? 0) > atMs;
  // Each hop costs a little patience, a full channel a little risk.
  const ppm = edge.feePpm + 60 + (300 * amountSat) / edge.capacitySat + (avoided ? AVOID_PPM : 0);
  return edge.baseFeeSat + 0.5 + (ppm * amountSat) / 1e6;
}

function readPath(start: number, via: readonly (Edge | undefined)[], amountSat: number): Path {
  const edges: Edge[] = [];
  let feeSat = 0;
  for (let node = start; node !== AT_RECIPIENT; ) {
    const edge = via[node];
    if (edge === undefined) throw new Error('a settled node has a way on');
    edges.push(edge);
    feeSat += edge.baseFeeSat + (edge.feePpm * amountSat) / 1e6;
    node = edge.to;
  }
  return { start, edges, feeSat };
}
