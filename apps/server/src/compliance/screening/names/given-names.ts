/**
 * Given names that one person bears in turn: forms of one name in other languages, and short forms.
 * A line is a group; a name may be in several.
 */
const SAME_NAMES = `
john juan jean johann johannes hans jan ivan giovanni joao ian sean jack johnny yahya ioan jon jovan jani vanya hannes giannis yannis ioannis yohannes juanito ivo hovhannes nino gianni zhan
james jim jimmy jacob jacques jaime jakob diego giacomo yaqub yakub yakov iago jamie jimbo santiago iakov kuba hakob agop
william bill billy will willy guillaume wilhelm guillermo liam willem guglielmo wim vilhelm vilmos
robert bob bobby rob robbie roberto bert robin bertie
richard dick rick ricky rich ricardo riccardo dickie rikard
michael mike mikhail miguel michel michele mick mikael mihai mykhailo mikhael misha mickey mickael mikheil mikhel michal mikko miki mihail mihaly maykl mikayel
joseph joe jose josef giuseppe yusuf yousef youssef yosef iosif josip osip jozef pepe pepito beppe peppe sepp jo joey yossi jozsef zef yusif yousif yossef josephe hovsep iosef
charles charlie carlos karl carl carlo chuck karol karel charly chuckie carlito karoly kalle
thomas tom tommy tomas tommaso tommie foma toma maso tomasz
edward ed eddie ted teddy eduardo eduard edoardo edek ned edik edvard duarte
theodore ted teddy theo theodor fyodor fedor teodoro fedya teddie theodoros tudor todor
benjamin ben benny benjamim binyamin veniamin bibi benji bennie benyamin
samuel sam sammy samuil shmuel samo
daniel dan danny daniil danilo dani danya
david dave davy dawud daoud davit davide dodik dawit
alexander alex alexandre alejandro alessandro aleksandr oleksandr alec sasha iskandar aliaksandr aleksander sanya shura sacha xander alik olek alejo aleksandar ales sander aleko alekos iskander sikandar eskandar skender sandro
alexandra alejandra aleksandra sandra sasha sandy shura olesya
anthony tony antonio antoine anton antonin toni tonio antal antos antoni
andrew andy andrei andrey andreas andre andres andrea andrzej andriy drew andrius ondrej anders andreja andris
peter pete pedro pierre pyotr petr pietro piotr petro boutros butrus petya petros petar per peer piet pekka perico petrus
paul pablo pavel paolo paulo pawel pavlo pasha pavol pal pavlos paavo pavle pol
stephen steven steve stefan esteban stefano etienne stepan stephane istvan stevie stepa stipe sztefan steffen stephanos stjepan
george georg georges jorge giorgio yuri georgy georgiy jerzy jiri gheorghe heorhiy georgi giorgos yiorgos yorgos jorgen jurgen egor yegor iurii yuriy jurij gosha kevork gevorg
matthew matt mateo matthieu matteo matthias mateusz matvey mattia mathias matvei motya matyas matej
mark marc marco marcos marcus markus
luke luca lucas lukas luc luka lukasz loukas
christopher chris cristobal christoph christophe kris krzysztof topher kit christo hristo christos kristof cristoforo
nicholas nick nicolas nikolai nikolay niklas nicola mykola miklos nikolaos nicky nico niko kolya nikos klaus nikola mykolay nicolae mikola miklosh
lawrence larry laurence lorenzo laurent lars lavrentiy lorenz lavrenti
henry harry hank henri enrique heinrich enrico hendrik henrik harri heinz henryk genrikh quique kike arrigo
francis frank francisco francois francesco franz frans paco pancho frantisek ferenc feri chico franky ferry franjo
philip phil felipe philippe filippo filip pip filippos felip
gregory greg grigory grigoriy gregorio gregoire hryhoriy grisha gregor grigor grigori grigorij krikor
jeffrey jeff geoffrey geoff
leonard leo lenny leonardo leonid lenya lyonya leon
louis lewis luis ludwig luigi luiz lou lajos louie lui ljudevit
victor viktor vittorio vitya vic wiktor viktors
vladimir volodymyr vova wladimir uladzimir vlad volodya volodia vovka vlado waldemar volodimir woldemar
sergei sergey sergio serge serhiy siarhei seryozha serezha serhii serghei sergius sergej serguei sarkis
dmitry dmitri dmytro dimitri dimitrios dima dzmitry mitya dmitriy dmitrii dimitris mitko dimitrij dmitrij demetrius demetrio
yevgeny evgeny eugene eugenio yevhen evgeniy zhenya evgenii yevgeni jevgeni evgenij eugen jewgeni evgueni ievgen
mohammed muhammad mohamed mohammad mehmet mamadou muhammed magomed mohamad mohd md muhamed mohamet mukhammad magomet mahomet mehmed mahamat mamadu muhammet mohammadou
ahmed ahmad ahmet akhmed akhmad achmed ahmadou amadou
mahmoud mahmud mahmut mehmood
hussein husayn hossein hussain huseyin husain hossain husein hussien khusein housseine
hassan hasan hasen khasan hacen
ali aly aliy
ibrahim abraham avraham ebrahim avram ibragim brahim abram bram ibrahima
moses musa moussa moshe moise mose mozes mousa
isaac ishaq isak yitzhak ishak izaak itzik isahak
solomon suleiman sulayman salomon suleyman soliman sulaiman soleyman shlomo suliman
omar umar omer umer oumar
othman osman uthman usman
abdullah abdallah abdulla abdoulaye abdulah abdalla
elizabeth liz lizzie beth betty eliza isabel elisabeth yelizaveta isabella elisa lisa liza elise betsy lilibet elisaveta elzbieta bess ilse lisbeth lizaveta erzsebet elsa
margaret maggie meg peggy margarita marguerite margot margarete greta rita margo gosia malgorzata
catherine kate katie kathy cathy katherine katharina ekaterina yekaterina catalina caterina kathleen katya katja kasia catarina katarina kateryna katherina katrin karin ekaterini cathleen kitty
mary maria marie miriam maryam mariam marija molly masha manya mariya marusya maja mari marya miryam meryem maryia
helen helena elena yelena helene olena ellen lena alena alyona ilona elene eleni lenka
anna ann anne hannah ana annie anya anja hanna anneke anouk ganna anka
susan sue susie susanna susanne zsuzsanna shoshana suzanne zuzana susana
barbara barb varvara basia barbora
natalia natalie natalya nataliya natasha nataliia natacha nathalie
irene irina iryna ira irena
olga olha helga olya
pavlo paul
konstantin constantine constantin kostya kostas costas konstantinos costantino konstantyn
alexei alexey aleksei aleksey alyosha lyosha oleksiy oleksii aleksi alexis alexius
anatoly anatoli anatolii tolya anatoliy
boris borya barys borislav
vasily vasili vasiliy vasya basil vasyl vasile basilio vassily vassilis wasyl
valentin valya valentyn valentino
valery valeri valeriy valerii
stanislav stas stanislaw stanislaus stanislao
vyacheslav slava viacheslav vjaceslav wjatscheslaw
yaroslav jaroslav jaroslaw slavik
maxim maksim max maksym massimo maximo maximilian
gennady gennadi gennadiy guennadi hennadiy gena
arkady arkadi arkadii arkadiy arkadij
ilya ilia elijah elias ilie illia elia iliya
kirill cyril kyrylo cyrille kiril
roman romain romano
ruslan rusik
timur temur teymur
tatiana tanya tetiana tatyana tatjana
svetlana sveta svitlana
ludmila lyudmila lyuda liudmyla ljudmila
yulia julia julie yuliya iuliia giulia juliya
xenia ksenia oksana ksenija
larissa larisa lara
galina galya halyna
nadezhda nadia nadya nadiya nadja
igor ihor
oleg oleh
jennifer jen jenny
jessica jess jessie
deborah debbie deb
rebecca becky rivka
victoria vicky viktoria viktoriya vika
dorothy dorothea dorotea dora dolly
eleanor leonora ellie nora eleonora
florence florentina florenza
frederick fred freddy freddie frederik frederic federico fryderyk fredrik friedrich fritz
albert alberto al bertie adalbert
alfred fred alfredo alf
arthur art artur arturo
barack barry barak
bartholomew bart bartolomeo bartosz bartolome
bernard bernie bernardo bernhard
clifford cliff
donald don donnie
douglas doug
eugene gene eugenio
eric erik erich
ferdinand fernando nando hernando ferran
gabriel gabe gavriil gabriele gavril
geoffrey geoff jeff jeffrey godfrey gottfried
gerald gerry jerry gerard gerardo gerhard gerd
harold harry harald
ignatius ignacio nacho ignazio ignat
isidore isidro isidor sidor
jerome jeronimo hieronymus geronimo
jonathan jon jonny yonatan
joshua josh yehoshua josue
julius julio giulio jules
kenneth ken kenny
leo lev leon leonid
manuel manny manolo emmanuel emanuel manu emanuele
martin marty martino marcin marton
nathaniel nathan nate natan
oscar oskar
oswald ozzie osvaldo
patrick pat paddy patricio patrice patrizio
patricia pat patty tricia trish
rafael raphael rafa rafaele rafail
raymond ray ramon raimundo raimondo
reginald reg reggie reinaldo reinhold
ronald ron ronnie ronaldo
rudolf rudolph rudy rodolfo rudi
russell russ
sebastian seb bastian sebastiano
sidney sid sydney
simon simeon semyon semen shimon simone szymon
terence terry terrence
timothy tim timmy timofey timoteo timofei
vincent vince vincenzo vicente vinnie vincenty
walter walt gualtiero wouter valter
wolfgang wolf wolfi
zachary zach zack zakaria zakariya zacharias zechariah
aaron haroun harun aharon
abdul abdel abd abdal
abdulaziz abdelaziz abdolaziz
abdulrahman abdelrahman abdurrahman abdirahman abdorrahman abdourahmane
adam adamo adem
ayub ayyub ayoub job eyup
bilal belal
daoud dawud davud daud
faisal faysal feisal
farouk faruk farooq faruq
fatima fatma fatemeh fatimah fatoumata
hamza hamzah hamzeh
haidar haydar heydar haider
idris idriss edris
ilyas elyas
imran emran
ismail ismael esmail ishmael
jafar jaafar jaffar dzhafar cafer
jamal gamal djamel cemal
khadija khadijah hatice
khalid khaled halid
khalil halil
karim kareem kerim
mahdi mehdi
majid majed majeed
mansour mansur mansoor
marwan merouane
masoud masud massoud mesut
mustafa mostafa mustapha moustafa
mukhtar mokhtar muhtar
nasser nasir naser nasr
nur noor nour
osama usama ousama oussama
qasim qassem kassem ghassem qasem kasim kacem
rahim raheem
rahman rehman
ramzi ramzy
rashid rasheed rached rachid reshid
reza riza rida redha
saeed said saed sayeed
salah saleh salih
salim salem selim saleem
samir sameer
shamil chamil
sharif sherif cherif shareef
tariq tarek tareq tarik
walid waleed oualid
yahya yehia yahia
yasin yassin yaseen yacine
yasser yasir yaser
yunus younis younes yunis jonah
zaid zayd zeid
zainab zaynab zeinab zeynep
ziad ziyad
ravi rabi
krishna krishnan
vikram bikram
vivek bibek
wei way
jong chong jung chung cheong
un eun
song sung seong
yong young yeong
chol cheol chul
hyon hyun hyeon
kyong kyung gyeong
myong myung myeong
guk kuk gook kook
gil kil
gwang kwang
gyu kyu
bong pong
kim gim
lee li yi rhee ri yee
park pak bak
choi choe
kang gang
cho jo
yoon yun
lim im rim
shin sin
kwon gwon
ahn an
noh no roh
huang hwang wong
chen chan tan
zhou chow chou
zhao chao
zheng cheng jeng
zhang chang cheung
wang wong
lin lam
liu lau liew
wu ng goh
xu hsu hui
cai tsai choy
cao tsao
xie hsieh tse
yang yeung yeo
ye yeh yip
zhu chu
jiang chiang
guo kuo kwok
deng teng
`;

/**
 * Names that are near each other in spelling and yet different: most are of a man and of a woman.
 * Together with the names above they are what is known; two known names of no common group differ.
 */
const OTHER_NAMES = `mario claudia claudio claudette julia julian juliana silvia silvio lucia luciano lucian
 christian christina christine cristian cristina christiane daniela danielle michaela martin martina paula
 paulina carla carolina robertina petra simona gabriela gabriella rafaela manuela fabio fabia fabian antonia
 ivana jana janina mariana mariano marina marino eva ewa sara sarah karima farida jamila latifa nabila rashida
 samira walida kamila amina amira hamida halima salima zahra fatima aisha khadija leila layla emilia emil emilio
 stefania stephanie georgina georgia franziska francesca philippa josephine josefa henrietta henrike erica erik
 albert alberta alberto gilbert herbert hubert norbert hannes anneliese bernd bernard bernhard berta roland
 rolanda arnold ronja oskar roger rogelio hugo ugo otto ottilie bruno bruna gino gina dario daria adrian adriana
 florian marian marius darius cornelius cornelia aurelia aurelio julius silvester sebastian tobias elias matilda
 harald harold gerald ronan rowan logan megan morgan stella ella bella isla asif atif arif hanif latif nadir nazir
 bashir nasir munir samir zahir tahir tariq khalid walid rashid majid hamid mahmud masud daud farouk faruq jamal
 kamal jalal bilal hilal talal nabil jamil kamil khalil ismail jibril karim rahim salim halim alim amin yasin
 hakim nasim wasim`;

const NONE: readonly number[] = [];
/** Groups (by number) that a given name belongs to. */
const GROUPS: ReadonlyMap<string, readonly number[]> = groups();

/** @param text in lower-case Latin letters; @returns undefined for a name that is not known */
export function nameGroupsOf(text: string): readonly number[] | undefined {
  return GROUPS.get(keyOf(text));
}

/** Doubled letters come and go with every writer: Iossif is Iosif. */
function keyOf(text: string): string {
  return text.replace(/(.)\1+/g, '$1');
}

function groups(): Map<string, readonly number[]> {
  const map = new Map<string, readonly number[]>();
  const lines = SAME_NAMES.split('\n').filter((line) => line !== '');
  lines.forEach((line, group) => {
    for (const name of line.split(' ')) {
      const key = keyOf(name);
      map.set(key, [...new Set([...(map.get(key) ?? []), group])]);
    }
  });
  for (const name of OTHER_NAMES.split(/\s+/)) {
    const key = keyOf(name);
    if (!map.has(key)) map.set(key, NONE);
  }
  return map;
}
