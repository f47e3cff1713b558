import { createHash } from 'node:crypto';
import type { CustomerKind, CustomerProfile } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { canonicalJson } from '../../platform/http/index.ts';
import type { ListEntry, Question, ScorePart } from '../screening/index.ts';
import type { PartyHit, PartyScreener } from './ports.ts';
import { countriesOf } from './profile.ts';

export type HitState = 'open' | 'dismissed' | 'confirmed';
export type HitCategory = 'sanctions' | 'pep' | 'other';

/** A hit of screening: one entry of a list as it was, and one customer as he was. */
export type Hit = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly customerId: Uuid;
  readonly list: string;
  readonly entryId: string;
  readonly category: HitCategory;
  readonly entryDigest: Uint8Array;
  readonly factsDigest: Uint8Array;
  readonly listVersion: string;
  readonly points: number;
  readonly sealedParts: Uint8Array;
  readonly state: HitState;
  readonly alertId: Uuid | null;
  readonly caseId: Uuid | null;
  readonly foundAtMs: number;
  readonly goneAtMs: number | null;
  readonly decidedAtMs: number | null;
  readonly decidedBy: string | null;
  readonly sealedReason: Uint8Array | null;
};

/** What one screening says. */
export type Finding = Pick<
  Hit,
  'list' | 'entryId' | 'category' | 'entryDigest' | 'listVersion' | 'points'
> & {
  asked: string;
  listed: string;
  parts: readonly ScorePart[];
};

/** Beyond these the name says nothing; each is a question that a person has to answer. */
const MAX_FINDINGS = 20;

/** What is asked about a customer: each of its names, with all that is known beside. */
export function questionsOf(kind: CustomerKind, profile: CustomerProfile): Question[] {
  const { birthDate, gender, names } = profile;
  const facts = {
    kind: kind === 'person' ? ('person' as const) : ('organisation' as const),
    birthDates: birthDate === null ? [] : [{ from: birthDate, to: birthDate }],
    countries: countriesOf(profile).map((country) => country.toLowerCase()),
    gender,
  };
  return names.map(({ text }) => ({ ...facts, name: text }));
}

/** The best that any of the names gives for each entry of the lists, matches only. */
export function screenProfile(
  screener: PartyScreener,
  kind: CustomerKind,
  profile: CustomerProfile,
): { findings: Finding[]; versions: string[] } {
  const best = new Map<string, Finding>();
  const versions = new Set<string>();
  for (const question of questionsOf(kind, profile)) {
    const result = screener.screenName({ ...question, limit: MAX_FINDINGS });
    for (const { list, digest } of result.versions) versions.add(`${list}@${digest}`);
    for (const hit of result.hits) {
      if (!hit.match) continue;
      const key = `${hit.list}\n${hit.entry.id}`;
      const known = best.get(key);
      if (known !== undefined && known.points >= hit.score.points) continue;
      best.set(key, findingOf(hit, question.name));
    }
  }
  const findings = [...best.values()].sort((a, b) => b.points - a.points || order(a, b));
  return { findings: findings.slice(0, MAX_FINDINGS), versions: [...versions].sort() };
}

function order(a: Finding, b: Finding): number {
  return `${a.list}\n${a.entryId}` < `${b.list}\n${b.entryId}` ? -1 : 1;
}

function findingOf(hit: PartyHit, asked: string): Finding {
  return {
    list: hit.list,
    entryId: hit.entry.id,
    category: hit.purpose === 'sanctions' || hit.purpose === 'pep' ? hit.purpose : 'other',
    entryDigest: entryDigest(hit.entry),
    listVersion: hit.versionId,
    points: hit.score.points,
    asked,
    listed: hit.name.text,
    parts: hit.score.parts,
  };
}

/** Of what an entry says about whom it means: the same in another version of the list is the same. */
export function entryDigest(entry: ListEntry): Uint8Array {
  const { names, birthDates, countries, gender, schema, topics } = entry;
  const said = { names, birthDates, countries, gender, schema, topics };
  return createHash('sha256').update(canonicalJson(said)).digest();
}

/** What is asked about a customer, as text: the same questions have the same answers. */
export function factsText(kind: CustomerKind, profile: CustomerProfile): string {
  return canonicalJson(questionsOf(kind, profile));
}

/** What a screening changes of the hits that are known. */
export type HitChanges = {
  fresh: Finding[];
  /** The list has them no more, or has them as something that a fresh hit stands for. */
  gone: Uuid[];
  /** They were gone and are there again, as they were. */
  back: Uuid[];
};

/**
 * Compares what was found with what is known. What a person has dismissed stays dismissed for the
 * same entry and the same customer, whatever version of the list it comes in; when either has changed,
 * it is asked again. What was confirmed is not asked again.
 */
export function compareHits(
  known: readonly Hit[],
  findings: readonly Finding[],
  factsDigest: Uint8Array,
): HitChanges {
  const changes: HitChanges = { fresh: [], gone: [], back: [] };
  const present = new Set<Uuid>();
  for (const finding of findings) {
    const ofEntry = known.filter(
      ({ list, entryId }) => list === finding.list && entryId === finding.entryId,
    );
    const same = ofEntry.find(
      (hit) => isSame(hit.entryDigest, finding.entryDigest) && isSame(hit.factsDigest, factsDigest),
    );
    const confirmed = ofEntry.find(({ state }) => state === 'confirmed');
    if (confirmed !== undefined) present.add(confirmed.id);
    if (same !== undefined) present.add(same.id);
    if (same === undefined && confirmed === undefined) changes.fresh.push(finding);
  }
  for (const { id, goneAtMs } of known) {
    if (present.has(id) && goneAtMs !== null) changes.back.push(id);
    if (!present.has(id) && goneAtMs === null) changes.gone.push(id);
  }
  return changes;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
