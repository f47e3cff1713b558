/**
 * Words that mean something in a name other than the name itself, by kind. All are general lists of
 * their kind, romanised and in lower case as `romanise` writes them.
 */

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ''));
}

/** Forms of address, ranks, offices and degrees: no part of a person's name. */
export const TITLES =
  words(`mr mrs ms miss mister madam madame mme mlle monsieur sir dame lord lady dr doctor
 prof professor ing engineer eng hon honorable honourable president prasident praesident presidente
 prime minister premier king queen prince princess sultan emperor general gen colonel col lieutenant lt
 major maj captain capt commander sergeant sgt brigadier brig admiral marshal sheikh shaikh sheik shaykh
 sayyid sayid seyed seyyed sayed hajj hajji haji hadji alhaj alhaji al-hajj mullah mulla maulavi maulawi
 mawlawi molvi maulana imam ayatollah hojjatoleslam qari ustad ustaz hafiz senator sen representative rep
 congressman congresswoman governor gov mayor ambassador herr frau senor senora don dona signor signora
 comrade rev reverend father bishop archbishop pope cardinal jr sr junior senior esq phd md ii iii iv
 gospodin pan pani hadrat emir amir deputy chairman secretary`);

/** Small words that bind the parts of a personal name: they come and go with every writer. */
export const PARTICLES =
  words(`bin bn ben ibn bint bent binti ould walad wuld al el ul ur as ad an az ash at ar el-
 abu abou abi bu bou umm de del della delle dello di da das do dos du des d la las le les lo los l van von
 vom zu zum zur der den ter ten te y e i und and the of af av st san santa mac ap oglu ogly uulu kyzy qizi
 zadeh zada a/l a/p so o ait ben-`);

/** Words of a company's name that say little about which one it is. */
export const GENERIC =
  words(`company companies corporation corp co group groups grupo holding holdings international
 intl int global world worldwide national general trading trade trust foundation fund funds bank banking
 industries industry industrial industria services service systems system solutions management enterprise
 enterprises business commercial comercial comercializadora import imports export exports investment
 investments inversiones capital financial finance partners partnership association society union
 organization organisation institute academy center centre centro committee council ministry department
 agency government state public private limited company construction engineering technology technologies
 tech development logistics transport transportation shipping maritime marine aviation airlines air
 energy manufacturing university school oil petroleum gas mining metal metals steel chemical electronics communications media brothers
 bros sons the of and for in on at de la el los las del y e und der die das für fur et des du le les di
 da do dos representaciones empresa sociedad compania distribuidora agropecuaria inmobiliaria consulting
 firm factory plant works zavod kompaniya bank gruppa party movement army front brigade brigades islamic
 republic peoples region offshore factory university office branch real estate properties`);

/** Words so small in a company's name that they are left out of its acronym and weigh next to nothing. */
export const STOP_WORDS = words(
  'the of and for in on at de la el los las del y e und der die das fur et des du le les di da do dos s',
);

/** Prefixes of ships. */
export const VESSEL_PREFIXES = words('mv ms mt ss mts mfv fv rv msv m/v m/t m/s lpg lng');

/** Places: a branch or a home country in a company's name does not make it another company. */
export const PLACES =
  words(`europe asia africa america china russia russian germany deutschland schweiz
 switzerland suisse austria france italy italia espana spain uk usa us uae dubai hongkong kong hong singapore
 japan korea iran iranian iraq syria syrian turkey turkiye india pakistan afghanistan lebanon egypt libya
 ukraine belarus kazakhstan cuba cubana venezuela mexico colombia panama brasil brazil canada cyprus malta
 london moscow beijing shanghai tehran damascus geneva zurich middle east north south west central eastern
 western northern southern`);

/**
 * Legal forms by what they are: a public company, a private one, a partnership, a body without
 * owners, or a word that any of them may bear. Each line: the kind, then its spellings.
 */
const LEGAL_LINES: readonly [string, string][] = [
  [
    'public',
    `ag|aktiengesellschaft|akg|sa|s a|sociedad anonima|societe anonyme|spa|societa per azioni|nv|naamloze vennootschap|
     plc|public limited company|inc|incorporated|jsc|ojsc|cjsc|pjsc|oao|zao|pao|ao|joint stock company|
     open joint stock company|closed joint stock company|public joint stock company|aktsionernoe obshchestvo|
     otkrytoe aktsionernoe obshchestvo|zakrytoe aktsionernoe obshchestvo|publichnoe aktsionernoe obshchestvo|
     as|anonim sirketi|a s|oyj|ab|asa|kk|kabushiki kaisha|pjs|tbk|sa de cv|sab de cv|sab|psc|saog|sal|dd|ad|
     societate pe actiuni|private joint stock company|pt|joint stock`,
  ],
  [
    'private',
    `gmbh|gesellschaft mit beschrankter haftung|llc|limited liability company|ltd|limited|ltda|limitada|ooo|
     obshchestvo s ogranichennoy otvetstvennostyu|srl|s r l|societatea cu raspundere limitata|
     societa a responsabilita limitata|sarl|sas|sasu|spzoo|sp z oo|sp zoo|spolka z ograniczona odpowiedzialnoscia|
     bv|besloten vennootschap|pty ltd|pty limited|pvt ltd|private limited|pte ltd|pvt|pte|pty|sdn bhd|bhd|
     co ltd|company limited|doo|eood|ood|oy|aps|kft|tov|tovarystvo z obmezhenoyu vidpovidalnistyu|too|
     limited sirketi|ltd sti|sti|sl|sociedad limitada|s de rl de cv|sro|sia|uab|ou|wll|fze|fzco|fzc|fz llc|dmcc|
     e u|eurl|ltd co|lda|s de rl|gmbh co kg`,
  ],
  ['partnership', 'kg|ohg|lp|llp|lllp|gbr|limited partnership|kommanditgesellschaft|snc|scs|cv'],
  ['body', 'ev|ano|nko|gup|fgup|ngo|stiftung|eingetragener verein|mup'],
  ['any', 'company|corporation|corp|co|cia|compania|firm|enterprise|the|est|establishment'],
];

export type LegalForm = 'public' | 'private' | 'partnership' | 'body' | 'any';

/** A legal form by its words joined with blanks; the longest has LEGAL_WORDS_MAX words. */
export const LEGAL_FORMS: ReadonlyMap<string, LegalForm> = new Map(
  LEGAL_LINES.flatMap(([kind, text]) =>
    text
      .split('|')
      .map((form): [string, LegalForm] => [form.trim(), kind as LegalForm])
      .filter(([form]) => form !== ''),
  ),
);
export const LEGAL_WORDS_MAX = 5;

/** Abbreviations that company names use, in full. */
export const ABBREVIATIONS: ReadonlyMap<string, string> = new Map(
  `intl=international int=international natl=national mfg=manufacturing ind=industries inds=industries
   govt=government dept=department assn=association assoc=association univ=university bros=brothers
   tech=technology technologies=technology intnl=international mgmt=management svcs=services
   svc=services engg=engineering eng=engineering constr=construction dev=development grp=group
   hldgs=holdings hldg=holding trdg=trading shpg=shipping exp=export imp=import invest=investment
   centre=center organisation=organization`
    .split(/\s+/)
    .map((pair): [string, string] => {
      const [short = '', long = ''] = pair.split('=');
      return [short, long];
    }),
);

/** Numbers by their words, cardinal and ordinal; tens and units may stand together. */
export const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
    .split(' ')
    .map((word, i): [string, number] => [word, i]),
  ...'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'
    .split(' ')
    .map((word, i): [string, number] => [word, i + 1]),
  ...'twenty thirty forty fifty sixty seventy eighty ninety'
    .split(' ')
    .map((word, i): [string, number] => [word, (i + 2) * 10]),
  ['fourty', 40],
]);

/** Endings of names after the father (Slavic and Central Asian), in English, German and French spelling. */
export const PATRONYMIC =
  /.{3}(?:[oe][vw](?:ich|ych|itch|itsch|itz)|[oei][vw]na|ichna|avich|auna|jevic)$/;
