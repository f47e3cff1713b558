import type { Currency } from '@quittance/kernel';
import { type CycleConfig, FULL_BPS } from '../config.ts';
import { duration, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import { isDue, isWithin, keep } from '../window.ts';

/** Money that came to a node of the graph of who pays whom. */
type Arrival = {
  readonly seq: number;
  readonly id: string;
  readonly atMs: number;
  readonly amount: bigint;
  readonly from: string;
};
/** Of one node, a party or an address: what came to it last. */
export type ArrivalsState = { readonly arrivals: readonly Arrival[] };
/** Of one origin: when it was last told that its money came back. */
export type CycleState = { readonly lastAlertAtMs: number };

/** What is kept of a node. Who receives more than this within a window is no link of a chain. */
export const MAX_ARRIVALS = 32;
/** Nodes that are followed back at each hop, those reached by the newest money first. */
export const MAX_FRONTIER = 16;

/** No hop passes on much more than came: what is more comes from elsewhere. */
const MAX_KEPT_BPS = 11_000n;

export type Edge = { readonly from: string; readonly to: string };

/** From where to where the money went; null where one side is not known or serves strangers. */
export function edgeOf({ party, counterparty, direction, isService }: Movement): Edge | null {
  if (counterparty === null || isService || counterparty === party) return null;
  return direction === 'in' ? { from: counterparty, to: party } : { from: party, to: counterparty };
}

export function noteArrival(
  state: ArrivalsState | null,
  { from }: Edge,
  movement: Movement & { amountMinor: bigint },
  { windowMs }: CycleConfig,
): ArrivalsState {
  const { seq, id, atMs, amountMinor: amount } = movement;
  const arrival = { seq, id, atMs, amount, from };
  return { arrivals: keep(state?.arrivals ?? [], arrival, { windowMs, limit: MAX_ARRIVALS }) };
}

type Step = { readonly node: string; readonly by: Arrival; readonly next: Step | null };

/**
 * Whether this movement brings money back to where it set out: a chain of arrivals, each before the
 * next and about as large, that begins at the node where this movement ends. It is searched for
 * backwards, hop by hop, and the shortest chain counts.
 * @param arrivalsOf what came to a node; asked for at most MAX_FRONTIER nodes at each hop
 */
export function findCycle(
  { from, to }: Edge,
  movement: Movement & { amountMinor: bigint },
  config: CycleConfig,
  arrivalsOf: (node: string) => ArrivalsState | null,
): readonly Step[] | null {
  const { seq, id, atMs, amountMinor: amount } = movement;
  const last: Step = { node: from, by: { seq, id, atMs, amount, from }, next: null };
  const visited = new Set([from]);
  let frontier: readonly Step[] = [last];
  for (let hops = 2; hops <= config.maxHops && frontier.length > 0; hops++) {
    const found: Step[] = [];
    for (const step of frontier) {
      for (const by of arrivalsOf(step.node)?.arrivals ?? []) {
        if (by.seq >= step.by.seq || !isWithin(by.atMs, atMs, config.windowMs)) continue;
        if (isPassedOn(by.amount, step.by.amount, config)) {
          found.push({ node: by.from, by, next: step });
        }
      }
    }
    found.sort((a, b) => b.by.seq - a.by.seq);
    const back = found.find(({ node }) => node === to);
    if (back !== undefined && hops >= config.minHops) return chainOf(back);
    const next: Step[] = [];
    for (const step of found) {
      if (next.length === MAX_FRONTIER) break;
      if (step.node === to || visited.has(step.node)) continue;
      visited.add(step.node);
      next.push(step);
    }
    frontier = next;
  }
  return null;
}

function isPassedOn(came: bigint, went: bigint, { minKeptBps }: CycleConfig): boolean {
  return went * FULL_BPS >= came * minKeptBps && went * FULL_BPS <= came * MAX_KEPT_BPS;
}

function chainOf(first: Step): Step[] {
  const chain: Step[] = [];
  for (let step: Step | null = first; step !== null; step = step.next) chain.push(step);
  return chain;
}

export function isCycleDue(
  state: CycleState | null,
  movement: Movement,
  { windowMs }: CycleConfig,
): boolean {
  return isDue(state?.lastAlertAtMs ?? null, movement.atMs, windowMs);
}

export function cycleReason(chain: readonly Step[], { to }: Edge, currency: Currency): Reason {
  const first = chain[0]?.by;
  const last = chain.at(-1)?.by;
  const [sent, back] = [money(first?.amount ?? 0n, currency), money(last?.amount ?? 0n, currency)];
  const tookMs = (last?.atMs ?? 0) - (first?.atMs ?? 0);
  return {
    summary:
      `${sent} that ${to} sent came back as ${back} over ${chain.length} hops within ` +
      `${duration(tookMs)}.`,
    facts: { sent, back, hops: chain.length, path: [...chain.map(({ node }) => node), to] },
    movementIds: chain.map(({ by }) => by.id),
  };
}
