import { type Dice, seededDice, seedOf } from './dice.ts';
import { liquidity, presence, type Timeline } from './timeline.ts';

/**
 * A network of channels as a payer meets it: a scale-free graph of routing nodes, recipients of
 * several kinds at its edge, balances that move by themselves, nodes that come and go. Nothing here
 * is shared with the estimator, which has to find out.
 */

const ROUTING_NODES = 220;
const CHANNELS_OF_NEWCOMER = 3;
const OWN_CHANNELS = 6;
const OWN_CAPACITY_SAT = 20_000_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export type Edge = {
  /** Short channel id, as a failure names it. */
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly capacitySat: number;
  readonly baseFeeSat: number;
  readonly feePpm: number;
  /** What can be sent from `from` to `to` at a time, in satoshis. */
  balanceSat(timeMs: number): number;
};

export type Recipient = {
  readonly id: string;
  readonly kind: RecipientKind;
  /** The last hops, which its invoice or the graph shows. None: nobody can find it. */
  readonly inbound: readonly Edge[];
  readonly online: Timeline;
  /** It refuses what arrives. */
  readonly rejects: boolean;
};
export type RecipientKind = 'service' | 'shop' | 'phone' | 'unfunded' | 'hidden' | 'rejecting';

export type World = {
  readonly edgesInto: readonly (readonly Edge[])[];
  readonly online: readonly Timeline[];
  readonly recipients: readonly Recipient[];
  /** Where our own channels lead to. */
  readonly ownPeers: readonly number[];
  readonly ownCapacitySat: number;
};

export function makeWorld(seed: number, recipientCount: number): World {
  const dice = seededDice(seedOf(seed, 1));
  const edgesInto: Edge[][] = Array.from({ length: ROUTING_NODES }, () => []);
  const ends: number[] = [];
  let channels = 0;
  const connect = (a: number, b: number) => {
    channels += 1;
    const own = seededDice(seedOf(seed, 1_000 + channels));
    const capacitySat = Math.round(Math.min(1e8, Math.max(2e5, 4e6 * Math.exp(own.normal()))));
    const share = liquidity(own, own.between(20, 300) * MINUTE_MS);
    const [forth, back] = directions(own, { id: `1x${channels}x0`, a, b, capacitySat, share });
    edgesInto[b]?.push(forth);
    edgesInto[a]?.push(back);
    ends.push(a, b);
  };
  // Newcomers prefer those who have many channels (Barabási and Albert).
  for (let node = 1; node < ROUTING_NODES; node++) {
    const peers = new Set<number>();
    while (peers.size < Math.min(node, CHANNELS_OF_NEWCOMER)) {
      peers.add(ends.length === 0 ? 0 : (ends[dice.index(ends.length)] ?? 0));
    }
    for (const peer of peers) connect(node, peer);
  }
  const online = edgesInto.map((_, node) =>
    // A few large ones hardly ever fail; the others are away a few times a week.
    presence(
      seededDice(seedOf(seed, 500_000 + node)),
      30 * HOUR_MS,
      node < 10 ? 0 : 20 * MINUTE_MS,
    ),
  );
  const busy = edgesInto
    .map((edges, node) => ({ node, degree: edges.length }))
    .toSorted((x, y) => y.degree - x.degree)
    .map(({ node }) => node);
  const recipients = Array.from({ length: recipientCount }, (_, n) =>
    makeRecipient(seededDice(seedOf(seed, 1_000_000 + n)), { n, busy, edgesInto }),
  );
  const ownPeers = busy.slice(3, 3 + OWN_CHANNELS);
  return { edgesInto, online, recipients, ownPeers, ownCapacitySat: OWN_CAPACITY_SAT };
}

function directions(
  dice: Dice,
  channel: { id: string; a: number; b: number; capacitySat: number; share: Timeline },
): [Edge, Edge] {
  const { id, a, b, capacitySat, share } = channel;
  const fees = () => ({
    baseFeeSat: dice.chance(0.5) ? 0 : 1,
    feePpm: Math.round(Math.min(5_000, Math.exp(dice.normal() * 1.2 + 5))),
  });
  return [
    {
      ...{ id, from: a, to: b, capacitySat, ...fees() },
      balanceSat: (timeMs) => share.at(timeMs) * capacitySat,
    },
    {
      ...{ id, from: b, to: a, capacitySat, ...fees() },
      balanceSat: (timeMs) => (1 - share.at(timeMs)) * capacitySat,
    },
  ];
}

/** Node number of a recipient: beyond all routing nodes. */
export const AT_RECIPIENT = -1;

function makeRecipient(
  dice: Dice,
  { n, busy, edgesInto }: { n: number; busy: readonly number[]; edgesInto: readonly Edge[][] },
): Recipient {
  const kind = kindOf(dice.share());
  const hub = (within: number) => busy[dice.index(within)] ?? 0;
  const last = (from: number, i: number, capacitySat: number, share: Timeline): Edge => ({
    ...{ id: `2x${n}x${i}`, from, to: AT_RECIPIENT, capacitySat },
    ...{ baseFeeSat: 0, feePpm: dice.index(300) },
    balanceSat: (timeMs) => share.at(timeMs) * capacitySat,
  });
  const common = { id: `recipient-${n}`, kind, rejects: kind === 'rejecting' };
  switch (kind) {
    case 'service': {
      // A routing node itself: all its channels lead there.
      const node = busy[dice.index(40)] ?? 0;
      const inbound = (edgesInto[node] ?? []).map((edge) => ({ ...edge, to: AT_RECIPIENT }));
      return { ...common, inbound, online: presence(dice, 200 * HOUR_MS, 10 * MINUTE_MS) };
    }
    case 'shop':
    case 'rejecting': {
      const inbound = Array.from({ length: 1 + dice.index(3) }, (_, i) =>
        last(hub(80), i, dice.between(5e5, 5e6), liquidity(dice, 4 * HOUR_MS)),
      );
      return { ...common, inbound, online: presence(dice, 20 * HOUR_MS, 25 * MINUTE_MS) };
    }
    case 'phone': {
      const inbound = [last(hub(15), 0, dice.between(2e5, 3e6), liquidity(dice, 8 * HOUR_MS))];
      const online = presence(dice, dice.between(1, 6) * HOUR_MS, dice.between(5, 45) * MINUTE_MS);
      return { ...common, inbound, online };
    }
    case 'unfunded': {
      // A new wallet that can receive next to nothing.
      const inbound = [last(hub(15), 0, dice.between(2e4, 2e5), { at: () => 0.02 })];
      return { ...common, inbound, online: presence(dice, 10 * HOUR_MS, 30 * MINUTE_MS) };
    }
    case 'hidden':
      // Behind a private channel whose invoice gives no hint of it.
      return { ...common, inbound: [], online: presence(dice, HOUR_MS, 0) };
  }
}

function kindOf(share: number): RecipientKind {
  if (share < 0.3) return 'service';
  if (share < 0.52) return 'shop';
  if (share < 0.9) return 'phone';
  if (share < 0.94) return 'unfunded';
  return share < 0.98 ? 'hidden' : 'rejecting';
}
