/**
 * Letters of other scripts written in Latin ones. Every table is a general one of its script, in the
 * style of passports and of the lists (no diacritics); variants of spelling are left to similarity.
 */

export type Script =
  | 'latin'
  | 'cyrillic'
  | 'greek'
  | 'armenian'
  | 'georgian'
  | 'arabic'
  | 'hebrew'
  | 'han'
  | 'kana'
  | 'hangul'
  | 'indic'
  | 'thai'
  | 'khmer'
  | 'other';

/** Pairs of a letter and its spelling, separated by blanks: "я=ya". */
function table(pairs: string): ReadonlyMap<string, string> {
  const entries = pairs.split(/\s+/).filter((pair) => pair !== '');
  return new Map(
    entries.map((pair): [string, string] => {
      const [letter = '', spelling = ''] = pair.split('=');
      return [letter, spelling];
    }),
  );
}

/** Russian, Ukrainian, Belarusian, Serbian, Macedonian, Bulgarian and Kazakh letters. */
export const CYRILLIC = table(`а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p
 р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya і=i ї=yi є=ye ґ=g ў=u љ=lj
 њ=nj ћ=c ђ=dj џ=dz ј=j ѕ=dz ќ=k ѓ=g ә=a ғ=g қ=k ң=n ө=o ұ=u ү=u һ=h`);

/** ISO 843's transcription, nearly. */
export const GREEK = table(`α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s
 ς=s τ=t υ=y φ=f χ=ch ψ=ps ω=o`);
export const GREEK_PAIRS = table('ου=ou μπ=b ντ=d γκ=g γγ=ng αυ=av ευ=ev ει=i οι=i αι=ai τζ=tz');

export const ARMENIAN =
  table(`ա=a բ=b գ=g դ=d ե=e զ=z է=e ը=y թ=t ժ=zh ի=i լ=l խ=kh ծ=ts կ=k հ=h ձ=dz
 ղ=gh ճ=ch մ=m յ=y ն=n շ=sh ո=o չ=ch պ=p ջ=j ռ=r ս=s վ=v տ=t ր=r ց=ts ւ=v փ=p ք=k օ=o ֆ=f և=ev`);
export const ARMENIAN_PAIRS = table('ու=u');

export const GEORGIAN =
  table(`ა=a ბ=b გ=g დ=d ე=e ვ=v ზ=z თ=t ი=i კ=k ლ=l მ=m ნ=n ო=o პ=p ჟ=zh რ=r ს=s
 ტ=t უ=u ფ=p ქ=k ღ=gh ყ=q შ=sh ჩ=ch ც=ts ძ=dz წ=ts ჭ=ch ხ=kh ჯ=j ჰ=h`);

/**
 * Arabic, Persian, Urdu, Pashto, Kurdish. Short vowels are not written: what comes out is a skeleton
 * of consonants with the long vowels (ا و ي) in it, and is compared as such.
 */
export const ARABIC =
  table(`ا=a أ=a إ=i آ=a ٱ=a ب=b ت=t ث=th ج=j ح=h خ=kh د=d ذ=dh ر=r ز=z س=s ش=sh ص=s
 ض=d ط=t ظ=z ع= غ=gh ف=f ق=q ك=k ک=k ل=l م=m ن=n ه=h ة=a ۀ=e و=w ؤ=w ي=y ی=y ى=a ئ=y ء= پ=p چ=ch ژ=zh گ=g
 ڤ=v ٹ=t ڈ=d ڑ=r ں=n ھ=h ہ=h ے=e ۓ=e ټ=t ډ=d ړ=r ږ=zh ښ=sh ګ=g ڼ=n ې=e ۍ=ay ێ=e ۆ=o ڕ=r ڵ=l`);

export const HEBREW =
  table(`א=a ב=b ג=g ד=d ה=h ו=v ז=z ח=h ט=t י=y כ=k ך=k ל=l מ=m ם=m נ=n ן=n ס=s ע= פ=p
 ף=f צ=ts ץ=ts ק=k ר=r ש=sh ת=t`);

export const KANA =
  table(`ア=a イ=i ウ=u エ=e オ=o カ=ka キ=ki ク=ku ケ=ke コ=ko ガ=ga ギ=gi グ=gu ゲ=ge ゴ=go
 サ=sa シ=shi ス=su セ=se ソ=so ザ=za ジ=ji ズ=zu ゼ=ze ゾ=zo タ=ta チ=chi ツ=tsu テ=te ト=to ダ=da ヂ=ji ヅ=zu
 デ=de ド=do ナ=na ニ=ni ヌ=nu ネ=ne ノ=no ハ=ha ヒ=hi フ=fu ヘ=he ホ=ho バ=ba ビ=bi ブ=bu ベ=be ボ=bo パ=pa
 ピ=pi プ=pu ペ=pe ポ=po マ=ma ミ=mi ム=mu メ=me モ=mo ヤ=ya ユ=yu ヨ=yo ラ=ra リ=ri ル=ru レ=re ロ=ro ワ=wa
 ヰ=i ヱ=e ヲ=o ン=n ヴ=vu`);
/** Small letters: they change the vowel of the syllable before them. */
export const KANA_SMALL = table('ャ=ya ュ=yu ョ=yo ァ=a ィ=i ゥ=u ェ=e ォ=o');

export const HANGUL_INITIALS = 'g kk n d tt r m b pp s ss  j jj ch k t p h'.split(' ');
export const HANGUL_VOWELS = 'a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i'.split(
  ' ',
);
export const HANGUL_FINALS = ' k k k n n n t l k m l l l p l m p p t t ng t t k t p t'.split(' ');
/** Family names have customary spellings; the lists and passports write these. */
export const HANGUL_FAMILY =
  table(`김=kim 이=lee 박=park 최=choi 정=jung 강=kang 조=cho 윤=yoon 장=jang 임=lim
 한=han 오=oh 서=seo 신=shin 권=kwon 황=hwang 안=ahn 송=song 전=jeon 홍=hong 유=yoo 고=ko 문=moon 양=yang 손=son
 배=bae 백=baek 허=heo 노=noh 심=shim 하=ha 주=joo 우=woo 구=koo 리=ri 류=ryu 로=ro 림=rim 량=ryang 려=ryo`);

/**
 * The scripts that grew from Brahmi share one layout of their Unicode blocks (ISCII): consonants at
 * offsets 15h to 39h, vowels at 05h to 14h, their signs at 3Eh to 4Ch, the sign that mutes at 4Dh.
 */
export const INDIC_BLOCKS: readonly number[] = [
  0x0900, 0x0980, 0x0a00, 0x0a80, 0x0b00, 0x0b80, 0x0c00, 0x0c80, 0x0d00,
];
export const INDIC_CONSONANTS =
  'k kh g gh n ch chh j jh n t th d dh n t th d dh n n p ph b bh m y r r l l l v sh sh s h'.split(
    ' ',
  );
export const INDIC_VOWELS = 'a aa i i u u ri l e e e ai o o o au'.split(' ');
export const INDIC_SIGNS = 'a i i u u ri ri e e e ai o o o au'.split(' ');

export const THAI =
  table(`ก=k ข=kh ฃ=kh ค=kh ฅ=kh ฆ=kh ง=ng จ=ch ฉ=ch ช=ch ซ=s ฌ=ch ญ=y ฎ=d ฏ=t ฐ=th ฑ=th
 ฒ=th ณ=n ด=d ต=t ถ=th ท=th ธ=th น=n บ=b ป=p ผ=ph ฝ=f พ=ph ฟ=f ภ=ph ม=m ย=y ร=r ฤ=ri ล=l ว=w ศ=s ษ=s ส=s
 ห=h ฬ=l อ=o ฮ=h ะ=a ั=a า=a ำ=am ิ=i ี=i ึ=ue ื=ue ุ=u ู=u เ=e แ=ae โ=o ใ=ai ไ=ai`);

/** Khmer consonants carry a vowel of their own, which its signs replace; written bare here. */
export const KHMER =
  table(`ក=k ខ=kh គ=k ឃ=kh ង=ng ច=ch ឆ=chh ជ=ch ឈ=chh ញ=nh ដ=d ឋ=th ឌ=d ឍ=th ណ=n ត=t ថ=th
 ទ=t ធ=th ន=n ប=p ផ=ph ព=p ភ=ph ម=m យ=y រ=r ល=l វ=v ឝ=sh ឞ=s ស=s ហ=h ឡ=l អ=a ា=a ិ=e ី=i ឹ=oe ឺ=eu
 ុ=o ូ=u ួ=uo ើ=ae ឿ=oea ៀ=ie េ=e ែ=ae ៃ=ai ោ=ao ៅ=au ំ=om ះ=ah ៈ=a`);

/** Letters that look like Latin ones: inside a Latin word they are meant to be read as those. */
export const LOOKALIKES =
  table(`а=a в=b е=e ё=e з=3 і=i ї=i ј=j к=k м=m н=h о=o р=p с=c ѕ=s т=t у=y х=x ԁ=d
 ԛ=q ԝ=w һ=h ӏ=l α=a β=b ε=e ι=i κ=k ν=v ο=o ρ=p τ=t υ=u χ=x γ=y`);

/** Latin letters that carry no separable mark. */
export const LATIN = table(
  'ß=ss æ=ae œ=oe ø=o đ=d ð=d þ=th ł=l ı=i ŋ=n ə=a ħ=h ŧ=t ĸ=k ſ=s ɓ=b ɗ=d ƙ=k ƴ=y',
);
