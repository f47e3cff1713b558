import type { ListEntry } from '../list-entry.ts';

export const listPurposes = ['sanctions', 'pep', 'attribution', 'other'] as const;
/** What it means to be on a list. */
export type ListPurpose = (typeof listPurposes)[number];

export const addressCategories = [
  'sanctions',
  'mixer',
  'darknet',
  'gambling',
  'scam',
  'ransomware',
  'crime',
  'exchange',
  'other',
] as const;
/** What a tagged address is used for. */
export type AddressCategory = (typeof addressCategories)[number];

/**
 * Words of attribution lists, by what they mean here: the categories and abuses of INTERPOL's dark web
 * taxonomy, which GraphSense's tagpacks use, and topics of FollowTheMoney. A `market` of that taxonomy
 * is one of the dark web in all but name. crime: what is none of the others and worse than most.
 */
const WORDS: readonly [AddressCategory, RegExp][] = [
  ['sanctions', /^(?:sanction(?:s|ed)?|sanction\..+)$/],
  ['mixer', /(?:^|_)(?:mix(?:er|ing|ing_service)|tumbler|coinjoin)(?:$|_)/],
  ['darknet', /dark_?(?:net|web)|(?:^|_)market(?:place)?$/],
  ['gambling', /gambl|casino|betting/],
  ['ransomware', /ransom/],
  ['scam', /scam|fraud|phish|ponzi|pyramid|extortion|hack|theft|stolen|giveaway/],
  [
    'crime',
    /terror|extremis|sexual_abuse|violence|torture|laundering|perpetrator|drugs?$|weapons?$/,
  ],
  ['exchange', /^(?:exchange|centralized_exchange|cex|hosted_wallet)$|(?:^|_)exchange$/],
];

/** What an entry's address is used for; a topic that is not known is `other`. */
export function categoriesOf(
  { topics }: Pick<ListEntry, 'topics'>,
  purpose: ListPurpose,
): AddressCategory[] {
  const found = new Set<AddressCategory>(purpose === 'sanctions' ? ['sanctions'] : []);
  for (const topic of topics) {
    const word = topic
      .replace(/^(?:category|abuse|concept):/, '')
      .toLowerCase()
      .replace(/[\s-]+/g, '_');
    if (/^(?:actor|confidence):/.test(topic)) continue;
    for (const [category, pattern] of WORDS) if (pattern.test(word)) found.add(category);
  }
  return found.size === 0 ? ['other'] : [...found];
}

/** FollowTheMoney says of each entity what it is; elsewhere the list says it of all. */
export function purposeOf(
  { topics }: Pick<ListEntry, 'topics'>,
  purpose: ListPurpose,
): ListPurpose {
  if (topics.includes('sanction')) return 'sanctions';
  if (topics.some((topic) => topic === 'role.pep' || topic === 'role.rca')) return 'pep';
  return purpose;
}
