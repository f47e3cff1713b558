import type { MonitoringSettings } from '@quittance/contract';
import type { Movement } from './movement.ts';

/**
 * The rules once more, written from their description and not from their code: nothing is kept, each
 * movement looks at the whole history before it. Slow, and good for comparing only. Limits by number
 * are part of the description, so they are given here as plain numbers.
 */
export type Expected = { rule: string; party: string; at: string; movementIds: string[] };

const DAY = 86_400_000;
const HOUR = 3_600_000;
type Told = { rule: string; key: string; atMs: number };
type Has<T> = T & { amountMinor: bigint };

export function recompute(history: readonly Movement[], settings: MonitoringSettings): Expected[] {
  const alerts: Expected[] = [];
  const told: Told[] = [];
  history.forEach((movement, n) => {
    const past = history.slice(0, n + 1);
    const { rules } = settings;
    const say = (rule: string, movementIds: string[]) =>
      alerts.push({ rule, party: movement.party, at: movement.id, movementIds });
    const isSilent = (rule: string, key: string, windowMs: number) =>
      told.some((t) => t.rule === rule && t.key === key && movement.atMs - t.atMs <= windowMs);
    const note = (rule: string, key: string) => told.push({ rule, key, atMs: movement.atMs });

    if (rules.large_transaction.enabled) {
      const found = large(past, rules.large_transaction);
      if (found !== null) say('large_transaction', found);
    }
    if (rules.structuring.enabled) {
      const members = groupOf(past, movement.party);
      const found = structured(past, members, rules.structuring);
      const windowMs = rules.structuring.windowHours * HOUR;
      const keyOf = (party: string) => `${movement.direction} ${party}`;
      const silent = [...members].some((each) => isSilent('structuring', keyOf(each), windowMs));
      if (found !== null && !silent) {
        note('structuring', keyOf(movement.party));
        say('structuring', found);
      }
    }
    const windowed = [
      ['rapid_movement', () => rapid(past, rules.rapid_movement)],
      ['high_risk_counterparty', () => risky(movement, rules.high_risk_counterparty)],
      ['fan_in', () => (movement.direction === 'in' ? fanned(past, rules.fan_in) : null)],
      ['fan_out', () => (movement.direction === 'out' ? fanned(past, rules.fan_out) : null)],
      ['cycle', () => cycled(past, rules.cycle)],
      ['dormant_then_active', () => dormant(past, rules.dormant_then_active)],
      ['round_amount', () => rounded(past, rules.round_amount)],
    ] as const;
    for (const [rule, look] of windowed) {
      const own = rules[rule];
      if (!own.enabled) continue;
      const found = look();
      if (found === null) continue;
      const once = rule === 'high_risk_counterparty' || rule === 'dormant_then_active';
      const key = rule === 'cycle' ? (toOf(movement) ?? '') : movement.party;
      const windowMs = 'windowHours' in own ? own.windowHours * HOUR : 0;
      if (!once && isSilent(rule, key, windowMs)) continue;
      note(rule, key);
      say(rule, found);
    }
  });
  return alerts;
}

function large(past: readonly Movement[], c: MonitoringSettings['rules']['large_transaction']) {
  const now = past.at(-1) as Movement;
  const threshold = BigInt(c.thresholdMinor);
  const counts = (m: Movement): m is Has<Movement> =>
    m.amountMinor !== null && (c.scope === 'all' || m.isFiatLeg);
  if (!counts(now)) return null;
  if (now.amountMinor > threshold) return [now.id];
  if (!c.aggregateDay) return null;
  const day = past.filter(
    (m) =>
      m.party === now.party &&
      m.direction === now.direction &&
      Math.floor(m.atMs / DAY) === Math.floor(now.atMs / DAY) &&
      counts(m) &&
      m.amountMinor <= threshold,
  );
  const total = sum(day);
  // Told by the movement that takes the day over the threshold, and by no later one.
  if (total <= threshold || total - now.amountMinor > threshold) return null;
  return day.slice(-20).map(({ id }) => id);
}

function structured(
  past: readonly Movement[],
  members: ReadonlySet<string>,
  c: MonitoringSettings['rules']['structuring'],
) {
  const now = past.at(-1) as Movement;
  const threshold = BigInt(c.thresholdMinor);
  const floor = (threshold * BigInt(c.floorBps)) / 10_000n;
  const counts = (m: Movement) =>
    m.amountMinor !== null &&
    (c.scope === 'all' || m.isFiatLeg) &&
    m.amountMinor >= floor &&
    m.amountMinor <= threshold;
  if (!counts(now)) return null;
  const alike = past.filter(
    (m) => members.has(m.party) && m.direction === now.direction && counts(m),
  );
  if (regular(alike, now, 16)) return null;
  const all = alike.filter((m) => !regular(alike, m, 16));
  const recent = [...members]
    .flatMap((party) => all.filter((m) => m.party === party).slice(-64))
    .filter((m) => now.atMs - m.atMs <= c.windowHours * HOUR)
    .toSorted((a, b) => a.seq - b.seq);
  if (recent.length < c.minCount || sum(recent) <= threshold) return null;
  if (!beyondUsual(all, recent.length, now.atMs, c)) return null;
  return recent.map(({ id }) => id);
}

/** Whether the same two moved about as much 20 to 40 days before, among so many of that time. */
function regular(alike: readonly Movement[], m: Movement, limit: number): boolean {
  const before = alike
    .filter((e) => e.party === m.party && e.seq < m.seq && e.counterparty !== null)
    .slice(-limit);
  return before.some((e) => {
    const days = (m.atMs - e.atMs) / DAY;
    const [a, b] = [Number(e.amountMinor), Number(m.amountMinor)];
    return (
      e.counterparty === m.counterparty && days >= 20 && days <= 40 && Math.abs(a - b) <= a / 5
    );
  });
}

/** Against the busiest of up to eight whole windows of the calendar before the present one. */
function beyondUsual(
  all: readonly Movement[],
  count: number,
  atMs: number,
  c: { windowHours: number; overUsualPercent: number },
): boolean {
  const indexOf = (m: { atMs: number }) => Math.floor(m.atMs / (c.windowHours * HOUR));
  const present = indexOf({ atMs });
  const first = Math.min(...all.map(indexOf));
  if (present - first < 2) return true;
  const busy = [1, 2, 3, 4, 5, 6, 7, 8].map(
    (ago) => all.filter((m) => indexOf(m) === present - ago).length,
  );
  return 100 * count >= c.overUsualPercent * Math.max(...busy);
}

function rapid(past: readonly Movement[], c: MonitoringSettings['rules']['rapid_movement']) {
  const now = past.at(-1) as Movement;
  if (now.direction !== 'out' || now.amountMinor === null) return null;
  const own = past
    .filter((m) => m.party === now.party && m.amountMinor !== null)
    .filter((m) => now.atMs - m.atMs <= c.windowHours * HOUR)
    .slice(-48);
  const starts = own.filter((m) => m.direction === 'in');
  const stretches = [
    ...starts.map((start) => own.filter((m) => m.seq >= start.seq)),
    ...starts.map((start) => [
      start,
      ...own.filter((m) => m.seq > start.seq && m.direction === 'out'),
    ]),
  ];
  for (const stretch of stretches) {
    const into = sum(stretch.filter((m) => m.direction === 'in'));
    const out = sum(stretch.filter((m) => m.direction === 'out'));
    if (into < BigInt(c.minAmountMinor)) continue;
    if (out * 10_000n < into * BigInt(c.minShareBps)) continue;
    if (out * 10_000n > into * BigInt(c.maxShareBps)) continue;
    return stretch.map(({ id }) => id);
  }
  return null;
}

function risky(now: Movement, c: MonitoringSettings['rules']['high_risk_counterparty']) {
  const isNamed = now.marks.some(
    ({ kind, about }) =>
      (kind === 'country' && c.countries.includes(about)) ||
      (kind !== 'country' && c.categories.includes(kind)),
  );
  const isSmall = now.amountMinor !== null && now.amountMinor < BigInt(c.minAmountMinor);
  return isNamed && !isSmall ? [now.id] : null;
}

function fanned(past: readonly Movement[], c: MonitoringSettings['rules']['fan_in']) {
  const now = past.at(-1) as Movement;
  const counts = (m: Movement) =>
    m.party === now.party &&
    m.direction === now.direction &&
    m.counterparty !== null &&
    m.amountMinor !== null &&
    m.amountMinor >= BigInt(c.minEachMinor);
  if (!counts(now)) return null;
  const alike = past.filter(counts);
  if (regular(alike, now, 128)) return null;
  const all = alike.filter((m) => !regular(alike, m, 128));
  const recent = all.filter((m) => now.atMs - m.atMs <= c.windowHours * HOUR).slice(-128);
  if (new Set(recent.map((m) => m.counterparty)).size < c.minCounterparties) return null;
  if (sum(recent) < BigInt(c.minSumMinor)) return null;
  return beyondUsual(all, recent.length, now.atMs, c) ? recent.map(({ id }) => id) : null;
}

function fromOf(m: Movement): string | null {
  return m.direction === 'in' ? m.counterparty : m.party;
}
function toOf(m: Movement): string | null {
  return m.direction === 'in' ? m.party : m.counterparty;
}

function cycled(past: readonly Movement[], c: MonitoringSettings['rules']['cycle']) {
  const now = past.at(-1) as Movement;
  const isEdge = (m: Movement): m is Has<Movement> =>
    m.counterparty !== null &&
    m.counterparty !== m.party &&
    !m.isService &&
    m.amountMinor !== null &&
    m.amountMinor >= BigInt(c.minAmountMinor);
  if (!isEdge(now)) return null;
  const earlier = past.slice(0, -1).filter(isEdge);
  const cameTo = (node: string | null) => {
    const all = earlier.filter((m) => toOf(m) === node);
    return all.slice(-32).filter((m) => now.atMs - m.atMs <= c.windowHours * HOUR);
  };
  const origin = toOf(now);
  let heads: Has<Movement>[][] = [[now]];
  const seen = new Set([fromOf(now)]);
  for (let length = 2; length <= c.maxHops; length++) {
    const longer: Has<Movement>[][] = [];
    for (const chain of heads) {
      const head = chain[0] as Has<Movement>;
      for (const m of cameTo(fromOf(head))) {
        const isBefore = m.seq < head.seq;
        const isEnough = head.amountMinor * 10_000n >= m.amountMinor * BigInt(c.minKeptBps);
        const isNotMore = head.amountMinor * 10_000n <= m.amountMinor * 11_000n;
        if (isBefore && isEnough && isNotMore) longer.push([m, ...chain]);
      }
    }
    longer.sort((a, b) => (b[0]?.seq ?? 0) - (a[0]?.seq ?? 0));
    const closed = longer.find((chain) => fromOf(chain[0] as Movement) === origin);
    if (closed !== undefined && length >= c.minHops) return closed.map(({ id }) => id);
    const next: Has<Movement>[][] = [];
    for (const chain of longer) {
      const node = fromOf(chain[0] as Movement);
      if (node === origin || seen.has(node) || next.length >= 16) continue;
      seen.add(node);
      next.push(chain);
    }
    heads = next;
  }
  return null;
}

function dormant(past: readonly Movement[], c: MonitoringSettings['rules']['dormant_then_active']) {
  const now = past.at(-1) as Movement;
  const own = past.filter((m) => m.party === now.party);
  let woke = -1;
  own.forEach((m, i) => {
    const before = own[i - 1];
    if (before !== undefined && m.atMs - before.atMs >= c.dormantDays * DAY) woke = i;
  });
  const since = own[woke];
  if (since === undefined || now.atMs - since.atMs > c.windowHours * HOUR) return null;
  const awake = own.slice(woke);
  const total = sum(awake);
  const before = total - (now.amountMinor ?? 0n);
  const isFirst = awake.length === 1 || before < BigInt(c.minSumMinor);
  if (total < BigInt(c.minSumMinor) || !isFirst) return null;
  return awake.slice(-20).map(({ id }) => id);
}

function rounded(past: readonly Movement[], c: MonitoringSettings['rules']['round_amount']) {
  const now = past.at(-1) as Movement;
  const unit = BigInt(c.unitMinor);
  const isRound = (m: Movement) => {
    const amount = m.amountMinor ?? 0n;
    const nearest = ((amount * 2n + unit) / (unit * 2n)) * unit;
    const off = amount > nearest ? amount - nearest : nearest - amount;
    return nearest > 0n && off * 10_000n <= amount * BigInt(c.toleranceBps);
  };
  if (now.amountMinor === null || !isRound(now)) return null;
  const isLarge = (m: Movement) =>
    (m.amountMinor ?? 0n) * (10_000n + BigInt(c.toleranceBps)) >= unit * 10_000n;
  const own = past
    .filter((m) => m.party === now.party && isLarge(m))
    .filter((m) => now.atMs - m.atMs <= c.windowHours * HOUR)
    .slice(-64);
  const round = own.filter(isRound);
  if (round.length < c.minCount) return null;
  return round.length * 10_000 >= own.length * c.minShareBps ? round.map(({ id }) => id) : null;
}

/** Who is linked with whom, from everything that everybody was ever seen with. */
function groupOf(past: readonly Movement[], party: string): Set<string> {
  const users = new Map<string, Set<string>>();
  for (const m of past) {
    // What a service's address says of its users counts for nothing; what is known of them does.
    const links = m.isService ? m.links.filter((link) => !link.startsWith('address:')) : m.links;
    for (const link of links.slice(0, 24)) {
      const known = users.get(link) ?? new Set();
      users.set(link, known.add(m.party));
    }
  }
  const circles = [...users.values()].filter((parties) => parties.size <= 6);
  let group = new Set([party]);
  for (let before = 0; before !== group.size; ) {
    before = group.size;
    const touched = circles.filter((parties) => [...parties].some((each) => group.has(each)));
    group = new Set([party, ...touched.flatMap((parties) => [...parties])]);
  }
  return group.size > 12 ? new Set([party]) : group;
}

function sum(movements: readonly Movement[]): bigint {
  return movements.reduce((total, m) => total + (m.amountMinor ?? 0n), 0n);
}
