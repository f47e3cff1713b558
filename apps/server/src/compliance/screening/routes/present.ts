import type {
  OwnAddressJson,
  ScreeningHitJson,
  ScreeningListJson,
  ScreeningVersionJson,
  ScreeningVersionSummaryJson,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { OwnAddress } from '../own-addresses/own-address-store.ts';
import type { ListVersionRef, NameHit } from '../screener/screener.ts';
import { isStale } from '../versions/staleness.ts';
import type { List } from '../versions/store.ts';
import type { Version } from '../versions/version.ts';

function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

export function versionSummaryJson(version: Version): ScreeningVersionSummaryJson {
  const { id, list, format, state, proposedBy, error, digest } = version;
  const { entryCount, nameCount, addressCount, findingCount, signedOffBy } = version;
  return {
    ...{ id, list, format, state, proposedBy, error, digest },
    ...{ entryCount, nameCount, addressCount, findingCount, signedOffBy },
    sources: version.sources.map(({ file, bytes, sha256 }) => ({ file, bytes, sha256 })),
    createdAt: new Date(version.createdAtMs).toISOString(),
    importedAt: time(version.importedAtMs),
    signedOffAt: time(version.signedOffAtMs),
    effectiveAt: time(version.effectiveAtMs),
    activatedAt: time(version.activatedAtMs),
    retiredAt: time(version.retiredAtMs),
  };
}

/** @param activeId what is active now: a comparison with something else is not shown */
export function versionJson(version: Version, activeId: Uuid | null): ScreeningVersionJson {
  const { delta, comparedTo } = version;
  const isCurrent = version.state !== 'imported' || comparedTo === activeId;
  return {
    ...versionSummaryJson(version),
    findings: [...version.findings],
    delta: delta === null || !isCurrent ? null : { ...delta, comparedTo },
  };
}

export function listJson(
  list: List,
  active: Version | undefined,
  nowMs: number,
): ScreeningListJson {
  const { name, title, purpose, maxAgeHours } = list;
  return {
    ...{ name, title, purpose, maxAgeHours },
    isStale: isStale(list, active, nowMs),
    createdAt: new Date(list.createdAtMs).toISOString(),
    active: active === undefined ? null : versionSummaryJson(active),
  };
}

export function hitJson({ entry, name, score, ...hit }: NameHit): ScreeningHitJson {
  const { list, versionId, purpose, match } = hit;
  return {
    ...{ list, versionId, purpose, match },
    entryId: entry.id,
    name: name.text,
    nameKind: name.kind,
    schema: entry.schema,
    score: score.points,
    parts: [...score.parts],
    names: entry.names.map(({ text }) => text),
    birthDates: [...entry.birthDates],
    countries: [...entry.countries],
    gender: entry.gender,
    topics: [...entry.topics],
  };
}

export function versionRefs(versions: readonly ListVersionRef[]): ListVersionRef[] {
  return versions.map(({ list, versionId, digest }) => ({ list, versionId, digest }));
}

export function ownAddressJson({ createdAt, removedAt, ...own }: OwnAddress): OwnAddressJson {
  return {
    ...own,
    createdAt: createdAt.toISOString(),
    removedAt: removedAt?.toISOString() ?? null,
  };
}
