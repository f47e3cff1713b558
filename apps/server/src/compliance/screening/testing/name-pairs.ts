/**
 * Pairs of names for tests: written by hand, by class of difference, from names that stand in the news
 * and on public lists. These were looked at while the dials were set.
 */
export type NamePair = { schema: string; same: boolean; name1: string; name2: string };

export function pairs(schema: string, same: boolean, text: string): NamePair[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name1 = '', name2 = ''] = line.split('|');
      return { schema, same, name1, name2 };
    });
}

export const SEEN: readonly NamePair[] = [
  ...pairs(
    'Person',
    true,
    `
Vova Putin|Vladimir Putin
Sasha Lukashenko|Aleksandr Lukashenko
Dima Medvedev|Dmitry Anatolyevich Medvedev
Misha Saakashvili|Mikheil Saakashvili
Bill Gates|William Henry Gates
Pepe Mujica|José Mujica
Chuck Schumer|Charles Schumer
Kostya Malofeev|Konstantin Malofeyev
Ramzan Akhmatovich Kadyrow|Ramzan KADYROV
Kadirov Ramazan|Ramzan Kadyrov
Jevgenij Prigozin|Yevgeny Prigozhin
Evgueni Prigojine|Evgeny Prigozhin
Alischer Usmanow|Alisher Usmanov
Viktor Medwedtschuk|Viktor Medvedchuk
Oleh Deripaska|Oleg Deripaska
Qasem Soleimani|Ghassem Soleymani
Hassan Nasrallah|حسن نصر الله
Muammar Gaddafi|Moammar al-Qadhafi
Muammar Kaddafi|Mu'ammar Qaddafi
Ayman al Zawahiri|Aiman az-Zawahri
Abu Bakr al-Baghdadi|Abou Bakr El Baghdadi
Mohammed bin Salman Al Saud|Muhammad ibn Salman Aal Saud
Usama bin Laden|Osama Binladin
Nicolas Maduro Moros|Nicolás MADURO MOROS
MADURO MOROS, Nicolas|Nicolás Maduro
Joaquin Guzman Loera|Joaquín Archivaldo Guzmán Loera
Kim Jong Un|Kim Chong-un
Kim Jong-un|김정은
Ri Sol Ju|Lee Seol-ju
Xi Jinping|习近平
Ma Ying-jeou|Ma Yingjiu
Chiang Kai-shek|Jiang Jieshi
Tsai Ing-wen|蔡英文
Mao Tse-tung|Mao Zedong
Vladimír Putín|Владимир Путин
Wladimir Wladimirowitsch Putin|Vladimir Vladimirovich PUTIN
Alexei Nawalny|Алексей Навальный
Aljaksandr Lukaschenka|Аляксандр Лукашэнка
Slobodan Milosevic|Слободан Милошевић
Radovan Karadžić|Radovan Karadzic
Bashar al-Asad|بشار الأسد
Ali Khamenei|علی خامنه‌ای
Recep Tayyip Erdogan|Recep Tayyip Erdoğan
Nguyen Phu Trong|Nguyễn Phú Trọng
Aung San Suu Kyi|Daw Aung San Suu Kyi
Min Aung Hlaing|Senior General Min Aung Hlaing
Teodoro Obiang Nguema Mbasogo|Teodoro Obiang
Robert Gabriel Mugabe|Robert Mugabe
Joseph Kabila Kabange|Joseph Kabila
J. Kabila|Joseph Kabila
Mugabe R.G.|Robert Gabriel Mugabe
Silvio Berlusconi|Berlusconi Silvio
Dr Ahmad Chalabi|Ahmed al-Chalabi
Arkadiy Rotenberg|Rotenberg, Arkady Romanovich
Guennadi Timtchenko|Gennady Timchenko
Iossif Kobson|Joseph Kobzon
Benjamin Netanjahu|Binyamin Netanyahu
Avigdor Liberman|Avigdor Lieberman
Shinzō Abe|安倍 晋三
Narendra Modi|नरेन्द्र मोदी
Shehbaz Sharif|شہباز شریف
Volodymyr Zelensky|Wolodymyr Selenskyj
Yulia Tymoshenko|Julia Timoschenko
Petro Poroshenko|Петро Порошенко
Andrej Babis|Andrej Babiš
Viktor Orban|Orbán Viktor
Peter Magyar|Péter Magyar
Nikita Khrushchev|Nikita Chruschtschow
Mikhail Gorbachev|Michail Gorbatschow
Boris Yeltsin|Boris Jelzin
Leonid Kuchma|Leonid Kutschma
V1adimir Put1n|Vladimir Putin
Vladmir Puttin|Vladimir Putin
VladimirPutin|Vladimir Putin
Put in Vladimir|Vladimir Putin
Putin Vladimir Vladimir|Vladimir Putin
Georgios Papadopoulos|Γεώργιος Παπαδόπουλος
Hun Sen|ហ៊ុន សែន
Serzh Sargsyan|Սերժ Սարգսյան
Ilham Aliyev|İlham Əliyev
Islam Karimov|Islom Karimov
Nursultan Nazarbayev|Нұрсұлтан Назарбаев
Emomali Rahmon|Emomalii Rakhmonov
Gurbanguly Berdimuhamedow|Kurbanguly Berdymukhamedov
Isaias Afewerki|Isaias Afwerki
Haile Mariam Desalegn|Hailemariam Desalegn
Abdelaziz Bouteflika|Abd al-Aziz Butaflika
Abdel Fattah el-Sisi|عبد الفتاح السيسي
Abdulrahman Al Rashid|Abd-ar-Rahman Rashed
Zine El Abidine Ben Ali|Zin al-Abidin bin Ali
Mullah Omar|Mohammed Omar Mullah
Gulbuddin Hekmatyar|Golboddin Hikmatyar
Sirajuddin Haqqani|Siraj ud-Din Haqani
Jean-Marie Le Pen|Jean Marie LePen
Maria del Carmen Garcia|María Carmen García
`,
  ),
  ...pairs(
    'Person',
    false,
    `
Vladimir Putin|Vladimir Pozner
Dmitry Medvedev|Dmitry Medvedchuk
Viktor Medvedchuk|Viktor Medvedev
Sergei Ivanov|Sergei Petrov
Mohammed Ahmed|Mohammed Ali
Ahmed Hassan|Hassan Ibrahim
Ali Hassan Mohammed|Ali Hussein Mohammed
Kim Jong Un|Kim Jong Il
Kim Jong-nam|Kim Jong-chul
Li Wei|Li Wen
Wang Fang|Wang Feng
Zhang Wei|Zheng Wei
Jose Garcia Lopez|Jose Garcia Perez
Maria Gonzalez|Mario Gonzalez
Juan Carlos Perez|Juan Manuel Perez
John Smith|John Smythe-Jones
John Miller|Jon Muller
Anna Schmidt|Hanna Schneider
Ivan Petrov|Ivan Pavlov
Alexander Ivanov|Alexei Ivanov
Nikolai Patrushev|Dmitry Patrushev
Arkady Rotenberg|Boris Rotenberg
Boris Johnson|Boris Nemtsov
Gerhard Schroder|Gerhard Schneider
Robert Mugabe|Grace Mugabe
Bashar al-Assad|Maher al-Assad
Saddam Hussein|Barack Hussein Obama
Raul Castro|Fidel Castro
Hugo Chavez|Cesar Chavez
Abdul Aziz|Abdul Rahman
Abdul Rahman Khan|Abdul Rashid Khan
Nguyen Van Minh|Nguyen Van Manh
Nguyen Thi Hoa|Nguyen Thi Hong
Park Geun-hye|Park Chung-hee
Lee Myung-bak|Lee Jae-myung
Maria Silva Santos|Mariana Silva Souza
Thomas Müller|Thomas Möller-Hansen
Michael Jordan|Michelle Jordan
Peter Hansen|Petra Hansen
Christian Weber|Christina Weber
Daniel Ortega|Daniela Ortega
Andrea Rossi|Andrea Russo
Marco Rossi|Mario Rossi
Stefan Meier|Stefan Maier-Huber
David Cohen|Daniel Cohen
Omar Hassan al-Bashir|Omar Hassan Ahmed
Ali Akbar Salehi|Ali Akbar Velayati
Igor Ivanov|Egor Popov
Tatiana Petrova|Tatiana Sidorova
Elena Ivanova|Olga Ivanova
`,
  ),
  ...pairs(
    'Company',
    true,
    `
Gazprom PJSC|ПАО Газпром
Rosneft Oil Company|Роснефть
Sberbank of Russia|Sberbank Russia
VTB Bank|Банк ВТБ
Siemens Aktiengesellschaft|SIEMENS AG
Huawei Technologies Co Ltd|Huawei Technologies Company Limited
Rosoboronexport OAO|JSC Rosoboronexport
Uralvagonzavod Corp|OAO UralVagonZavod
Al-Shabab Trading Est|Alshabab Trading Establishment
Bank Melli Iran|BANK MELLI
Islamic Republic of Iran Shipping Lines|IRISL
Islamic Revolutionary Guard Corps Quds Force|IRGC Quds Force
Mahan Air|MAHAN AIRLINES
Petroleos de Venezuela SA|Petróleos de Venezuela, S.A.
Wagner Group|The Wagner Group
Wagner Group|Группа Вагнера
Almaz-Antey Concern|Almaz Antey
Tupolev Public Joint Stock Company|PJSC Tupolev
Dongfang Shipping Limited|Dong Fang Shipping Ltd
Second Academy of Natural Sciences|2nd Academy of Natural Sciences
44th Brigade|Brigade Forty-Four
Kaspersky Lab|Kasperski Lab
Telefonica S.A.|TELEFÓNICA SA
Societe Generale|Société Générale SA
Credit Suisse Group AG|Credit Suisse Group
Deutsche Bank Aktiengesellschaft|Deutsche Bank AG
China National Offshore Oil Corporation|CNOOC
Korea Mining Development Trading Corp|Korea Mining Development Trading Corporation
Aerocaribbean Airlines|AERO-CARIBBEAN
Hezbollah|Hizballah
Hizbullah|حزب الله
Al-Qaida|Al Qaeda
Aum Shinrikyo|Aum Shinri Kyo
Tamil Tigers|Tamil Tiger
Boko Haram|BOKOHARAM
ABC Trading LLC|A.B.C. Trading L.L.C.
Johnson and Johnson|Johnson & Johnson
Emirates NBD PJSC|Emirates NBD
Nordstream 2 AG|Nord Stream 2 AG
Garantex Europe OU|Garantex Europe OÜ
`,
  ),
  ...pairs(
    'Company',
    false,
    `
Bank Melli Iran|Bank Mellat
Bank of China|Bank of Communications
China National Petroleum Corporation|China National Offshore Oil Corporation
Gazprom|Gazprombank
Rosneft|Rosatom
Siemens AG|Siemens Energy Holding Japan
Iran Air|Iran Electronics Industries
Korea Trading Company|Korea Mining Development Trading Corporation
Red Star Shipping|Blue Star Shipping
Pacific Trading Ltd|Atlantic Trading Ltd
General Electric Company|General Dynamics Corporation
First National Bank|First Central Bank
Royal Bank of Scotland|Royal Bank of Canada
Al Rahman Trading|Al Rashid Trading
Golden Dragon Import Export|Golden Eagle Import Export
Air Liquide|Air Astana
Delta Airlines|Delta Shipping
ABC Holdings|ABD Holdings
Tehran Cement Company|Isfahan Cement Company
Moscow Institute of Physics|Moscow Institute of Electronics
Alfa Bank|Alfa Insurance
Transneft|Transnistria Bank
North Star Investments|North Sea Investments
Ministry of Defense|Ministry of Health
Lazurit|Lazarus Group
`,
  ),
  ...pairs(
    'Vessel',
    true,
    `
MV Wise Honest|WISE HONEST
Adrian Darya 1|ADRIAN DARYA-1
Grace One|Grace 1
M/T Suez Rajan|SUEZ RAJAN
`,
  ),
  ...pairs(
    'Vessel',
    false,
    `
Grace 1|Grace 2
Ocean Star|Ocean Pearl
Lady Maria|Lady Sofia
`,
  ),
];
