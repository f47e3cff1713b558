import type { RiskConfig } from '@quittance/contract';
import type { SourceHit } from '../facts.ts';
import { type Factor, percentText, type Reason } from './factor.ts';

/** A source on a list of sanctions or on a list of the store's own. */
export const blacklistFactor: Factor = ({ source }, { blacklist, hops }) =>
  worst('blacklist', source?.hits.filter(isBlacklisted) ?? [], { ...blacklist, hops });

/** A source that an attribution list calls a mixer, a darknet market, … */
export const labelFactor: Factor = ({ source }, { labels, hops }) => {
  const chosen: ReadonlySet<string> = new Set(labels.categories);
  const allowed: ReadonlySet<string> = new Set(source?.allowed);
  const hits = source?.hits.filter(
    ({ address, categories }) =>
      !allowed.has(address) && categories.some((name) => chosen.has(name)),
  );
  return worst('label', hits ?? [], { ...labels, hops });
};

/** Most of the money comes from where nobody can tell: said, and never taken for clean. */
export const unknownSourceFactor: Factor = ({ source }, { unknownSource }) => {
  if (source === null || source.unknownPpm < Math.max(1, unknownSource.minSharePpm)) return [];
  const text = `${percentText(source.unknownPpm)} of the inputs spend from addresses that are not known.`;
  return [{ factor: 'unknown_source', points: unknownSource.points, text }];
};

function isBlacklisted({ purpose, categories }: SourceHit): boolean {
  return purpose === 'sanctions' || purpose === 'other' || categories.includes('sanctions');
}

/** The hit that weighs most; others of its kind add nothing, they are in the facts. */
function worst(
  factor: string,
  hits: readonly SourceHit[],
  rule: Pick<RiskConfig['blacklist'], 'points' | 'percentByHop' | 'minSharePpm'> & { hops: number },
): Reason[] {
  let found: Reason | null = null;
  for (const hit of hits) {
    // The facts may reach farther back, for another configuration.
    if (hit.hop > rule.hops) continue;
    // An input that is listed itself counts whatever its share; behind it, crumbs reach everybody.
    if (hit.hop > 1 && hit.sharePpm < rule.minSharePpm) continue;
    const percent = rule.percentByHop[hit.hop - 1] ?? rule.percentByHop.at(-1) ?? 0;
    const points = Math.floor((rule.points * percent) / 100);
    if (found !== null && points <= found.points) continue;
    const who = hit.label === null ? hit.entryId : `${hit.label} (${hit.entryId})`;
    const text =
      `${percentText(hit.sharePpm)} came from ${hit.address}, ${hit.hop} ` +
      `${hit.hop === 1 ? 'hop' : 'hops'} back: list ${hit.list}, ${who}, ${hit.categories.join(', ')}.`;
    found = { factor, points, text };
  }
  return found === null ? [] : [found];
}
