/**
 * Words of companies' and bodies' names that mean the same in several languages, romanised as
 * `romanise` writes them. A line is a group. Legal forms are elsewhere (vocabulary.ts).
 */
const SAME_WORDS = `
bank banque banco banca banka bankasi
group gruppe groupe grupo gruppa gruppo grup grupa
holding holdings kholding
trade trading handel commerce comercio commercial comercial torgovlya torgovy torgovaya torgovyy ticaret kommerc
company kompaniya compagnie compania societe sociedad gesellschaft shirkat sherkat sharikat
corporation korporatsiya korporacija corporacion
industry industries industrial industria industrie promyshlennost promyshlennaya promyshlennyy sanayi
plant factory works zavod fabrik fabrika fabrica usine werk
oil petroleum neft neftyanaya nafta petrole petroleo petrol
gas gaz gazovaya
energy energiya energie energia enerji energetika
power electric elektro elektrik
shipping maritime marine navigation lines denizcilik sudokhodstvo morskoy morskoe
transport transportation transporte spedition nakliyat transportny
air airlines airways aviation avia aviatsiya
insurance assurance versicherung strakhovaya strakhovanie seguros sigorta
construction stroitelnaya stroitelstvo stroy construccion construccoes bau insaat
engineering inzhiniring ingenieria ingenierie
institute institut instituto institution
academy akademiya academie academia akademie
university universitet universidad universite universitat
center centre tsentr centro zentrum merkez
research issledovatelskiy issledovaniy recherche investigacion forschung
science sciences scientific nauchno nauki ciencias
ministry ministerstvo ministerio ministere ministerium vezarat wizarat
committee komitet comite komitee
agency agentstvo agencia agence agentur
foundation fund fond fonds stiftung fundacion fondation fondazione vakfi muassasat bonyad
party partiya partido parti partei hizb hezb
front frente jabhat jabha
army armiya ejercito armee jaish jaysh
brigade brigades brigada brigaden kataib katibat liwa
movement dvizhenie movimiento mouvement harakat haraka jumbish
union soyuz union
society obshchestvo association assotsiatsiya asociacion jamiat jamiyat verein verband
state government gosudarstvennyy gosudarstvennaya gosudarstvennoe estatal
national natsionalnyy natsionalnaya nacional nazionale
international mezhdunarodnyy mezhdunarodnaya internacional internationale internazionale
investment investments investitsii inversiones invest investissement
finance financial finansovaya finansy finanzas finanz
import importacion
export exportacion eksport
technology technologies tekhnologii tecnologia technologie teknoloji
steel stal stahl acier acero celik
metal metals metall metallurgical metallurgicheskiy
mining gornyy minera bergbau madencilik
chemical chemicals khimicheskiy quimica chemie kimya
food foods pishchevoy alimentos gida
real nedvizhimost inmobiliaria immobilien emlak
new novy novaya nuevo neue
russian rossiyskiy rossiyskaya russkiy russia rossiya rossii
iranian iran
islamic islami islamiya
first pervyy pervaya primer premier erste
`;

const GROUPS: ReadonlyMap<string, readonly number[]> = groups();

/** Groups (by number) of words that mean the same; undefined for a word that is in none. */
export function wordGroupsOf(text: string): readonly number[] | undefined {
  return GROUPS.get(text);
}

/** Words that say what a body does, in any language: they tell little about which one it is. */
export function isBusinessWord(text: string): boolean {
  return GROUPS.has(text);
}

function groups(): Map<string, number[]> {
  const map = new Map<string, number[]>();
  const lines = SAME_WORDS.split('\n').filter((line) => line !== '');
  lines.forEach((line, group) => {
    for (const word of line.split(' ')) map.set(word, [...(map.get(word) ?? []), group]);
  });
  return map;
}
