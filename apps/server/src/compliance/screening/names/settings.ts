/** The dials of matching. Versioned with the code; a score names the version that made it. */
export type MatchSettings = {
  /** A score from here on is a match. */
  cut: number;
  /** Grades of likeness between parts, 0 to 1. */
  soundsAlike: number;
  pinyinAlike: number;
  nameForm: number;
  initial: number;
  reversed: number;
  bones: number;
  bonesShort: number;
  /** More where the consonants are the same, not only near. */
  bonesExact: number;
  /** Edits that are graded, for each letter of the longer part. */
  budgetPerLetter: number;
  /** What a part at the edge of that loses. */
  spellingSlope: number;
  /** Cost of another first letter. */
  firstLetter: number;
  /** Weight of parts that both names have and that contradict each other. */
  conflict: number;
  /** Weight of parts that only one name has: the one asked about, the listed one, either. */
  extraAsked: number;
  extraListed: number;
  extraOrganisation: number;
  /** Points (of 1) for what is not a part. */
  legalConflict: number;
  singlePart: number;
  brevity: number;
  common: number;
  order: number;
};

export const SETTINGS_VERSION = 2;

export const DEFAULT_SETTINGS: MatchSettings = {
  cut: 0.7,
  soundsAlike: 0.96,
  pinyinAlike: 0.55,
  nameForm: 0.85,
  initial: 0.85,
  reversed: 0.85,
  bones: 0.85,
  bonesShort: 0.6,
  bonesExact: 0.1,
  budgetPerLetter: 0.28,
  spellingSlope: 0.55,
  firstLetter: 0.3,
  conflict: 1.15,
  extraAsked: 0.18,
  extraListed: 0.12,
  extraOrganisation: 0.5,
  legalConflict: 0.12,
  singlePart: 0.06,
  brevity: 0.04,
  common: 0.66,
  order: 0.02,
};
