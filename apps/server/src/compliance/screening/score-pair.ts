import { kindOf, readNames } from './names/read-name.ts';
import { type Score, scoreNames } from './names/score.ts';
import { DEFAULT_SETTINGS, type MatchSettings } from './names/settings.ts';

/**
 * Scores two names by themselves, without lists: how common their parts are is not known then.
 * @param schema of FollowTheMoney ("Person", "Company", "Vessel", …), of both names
 * @param name1 the name asked about, @param name2 the one it is compared with
 */
export function scorePair(
  { schema, name1, name2 }: { schema: string; name1: string; name2: string },
  settings: MatchSettings = DEFAULT_SETTINGS,
): Score {
  const kind = kindOf(schema);
  const listed = readNames(name2, kind);
  let best: Score = { points: 0, parts: [] };
  for (const asked of readNames(name1, kind)) {
    for (const other of listed) {
      const score = scoreNames(asked, other, { settings });
      if (score.points > best.points) best = score;
    }
  }
  return best;
}
