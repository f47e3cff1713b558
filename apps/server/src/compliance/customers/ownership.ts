import { assert, type Uuid } from '@quittance/kernel';

/** Shares are counted in hundredths of a per cent. */
export const WHOLE_BPS = 10_000n;
/** A chain of entities longer than this is not followed, nor entered. */
export const MAX_DEPTH = 20;
/** Parties around one entity: what is larger has to be looked at by a person on paper. */
export const MAX_PARTIES = 500;

/** That `ownerId` has a part of `entityId`. */
export type Share = {
  readonly entityId: Uuid;
  readonly ownerId: Uuid;
  readonly shareBps: number;
  /** Decides in another way than by shares. */
  readonly controls: boolean;
};

/** A part of a whole, exactly: shares of shares have more digits than any decimal. */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

export type OwnershipRefusal =
  | 'owns_itself'
  | 'named_twice'
  | 'more_than_whole'
  | 'circle'
  | 'too_deep'
  | 'too_many';

/**
 * Whether an entity may have these owners, given all other shares around it.
 * @param shares of everybody but the entity itself
 */
export function checkOwners(
  entityId: Uuid,
  owners: readonly Pick<Share, 'ownerId' | 'shareBps' | 'controls'>[],
  shares: readonly Share[],
): OwnershipRefusal | null {
  const ids = new Set(owners.map(({ ownerId }) => ownerId));
  if (ids.has(entityId)) return 'owns_itself';
  if (ids.size !== owners.length) return 'named_twice';
  const sum = owners.reduce((all, { shareBps }) => all + shareBps, 0);
  if (BigInt(sum) > WHOLE_BPS) return 'more_than_whole';
  const all = [
    ...shares.filter((share) => share.entityId !== entityId),
    ...owners.map((owner) => ({ ...owner, entityId })),
  ];
  const parties = new Set(all.flatMap((share) => [share.entityId, share.ownerId]));
  if (parties.size > MAX_PARTIES) return 'too_many';
  if (hasCircle(all)) return 'circle';
  // Nobody who looks from further down may see a longer chain than may be followed.
  const deepest = Math.max(0, ...[...parties].map((id) => depthOf(id, all)));
  return deepest > MAX_DEPTH ? 'too_deep' : null;
}

/** Takes away whoever has no owners left, again and again: what stays is a circle. */
function hasCircle(shares: readonly Share[]): boolean {
  let left = [...shares];
  for (;;) {
    const owned = new Set(left.map(({ entityId }) => entityId));
    const next = left.filter(({ ownerId }) => owned.has(ownerId));
    if (next.length === left.length) return left.length > 0;
    left = next;
  }
}

function ownersOf(shares: readonly Share[]): Map<Uuid, Share[]> {
  const owners = new Map<Uuid, Share[]>();
  for (const share of shares) {
    const known = owners.get(share.entityId);
    if (known === undefined) owners.set(share.entityId, [share]);
    else known.push(share);
  }
  return owners;
}

/** From owners to what they own; the graph has no circle. */
function topDown(start: Uuid, owners: ReadonlyMap<Uuid, Share[]>): Uuid[] {
  const done: Uuid[] = [];
  const seen = new Set<Uuid>();
  const visit = (id: Uuid, depth: number) => {
    if (seen.has(id)) return;
    assert(depth <= MAX_PARTIES, 'ownership without circles ends');
    seen.add(id);
    for (const { ownerId } of owners.get(id) ?? []) visit(ownerId, depth + 1);
    done.push(id);
  };
  visit(start, 0);
  return done.reverse();
}

/** The longest chain of shares above a party; 0 for who belongs to nobody. */
export function depthOf(start: Uuid, shares: readonly Share[]): number {
  const owners = ownersOf(shares);
  const depth = new Map<Uuid, number>();
  for (const id of topDown(start, owners).reverse()) {
    const above = (owners.get(id) ?? []).map(({ ownerId }) => depth.get(ownerId) ?? 0);
    depth.set(id, above.length === 0 ? 0 : 1 + Math.max(...above));
  }
  return depth.get(start) ?? 0;
}

export type EffectiveOwner = {
  readonly id: Uuid;
  /** Over all ways: the sum of the products of the shares along each. */
  readonly share: Fraction;
  /** Decides, directly or through entities that each decide. */
  readonly controls: boolean;
};

/**
 * What everybody above an entity has of it. Shares along a way multiply, ways add up. Exact: all
 * fractions have a power of the whole as their denominator.
 */
export function effectiveOwners(entityId: Uuid, shares: readonly Share[]): EffectiveOwner[] {
  const owners = ownersOf(shares);
  const depth = depthOf(entityId, shares);
  const denominator = WHOLE_BPS ** BigInt(Math.max(1, depth));
  const held = new Map<Uuid, bigint>([[entityId, denominator]]);
  const controlling = new Set<Uuid>([entityId]);
  const order = topDown(entityId, owners);
  for (const id of order) {
    const mine = held.get(id) ?? 0n;
    for (const { ownerId, shareBps, controls } of owners.get(id) ?? []) {
      const scaled = mine * BigInt(shareBps);
      assert(scaled % WHOLE_BPS === 0n, 'the denominator has room for every step');
      held.set(ownerId, (held.get(ownerId) ?? 0n) + scaled / WHOLE_BPS);
      if (controls && controlling.has(id)) controlling.add(ownerId);
    }
  }
  return order
    .filter((id) => id !== entityId)
    .map((id) => ({
      id,
      share: { numerator: held.get(id) ?? 0n, denominator },
      controls: controlling.has(id),
    }));
}

/** Whether a part is at least so much of the whole. */
export function isAtLeast({ numerator, denominator }: Fraction, bps: number): boolean {
  return numerator * WHOLE_BPS >= BigInt(bps) * denominator;
}

/** The persons behind an entity: those at or above the threshold, and those who control it. */
export function beneficialOwners(
  entityId: Uuid,
  shares: readonly Share[],
  { thresholdBps, isPerson }: { thresholdBps: number; isPerson(id: Uuid): boolean },
): EffectiveOwner[] {
  return effectiveOwners(entityId, shares).filter(
    ({ id, share, controls }) => isPerson(id) && (controls || isAtLeast(share, thresholdBps)),
  );
}

/** What of an entity belongs to persons that were named; the rest belongs to nobody knows whom. */
export function knownShare(
  entityId: Uuid,
  shares: readonly Share[],
  isPerson: (id: Uuid) => boolean,
): Fraction {
  const persons = effectiveOwners(entityId, shares).filter(({ id }) => isPerson(id));
  const denominator = persons[0]?.share.denominator ?? 1n;
  return { numerator: persons.reduce((sum, { share }) => sum + share.numerator, 0n), denominator };
}

/** Half of the whole: the rule of OFAC (guidance of 13 August 2014). */
const BLOCKED_FROM_BPS = 5_000;

/**
 * Entities that are blocked because half or more of them belongs to blocked parties together, those
 * that are blocked for the same reason included. Direct shares count as a whole at each step, as
 * OFAC has it: they are not multiplied.
 */
export function blockedByOwners(
  shares: readonly Share[],
  blocked: ReadonlySet<Uuid>,
): ReadonlySet<Uuid> {
  const owners = ownersOf(shares);
  const found = new Set<Uuid>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const [entityId, direct] of owners) {
      if (found.has(entityId)) continue;
      const sum = direct
        .filter(({ ownerId }) => blocked.has(ownerId) || found.has(ownerId))
        .reduce((all, { shareBps }) => all + shareBps, 0);
      if (sum < BLOCKED_FROM_BPS) continue;
      found.add(entityId);
      grew = true;
    }
  }
  return found;
}

/** A part as per cent with six decimals, rounded down: it never reaches a threshold by rounding. */
export function percentText({ numerator, denominator }: Fraction): string {
  const millionths = (numerator * 100_000_000n) / denominator;
  const digits = millionths.toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
