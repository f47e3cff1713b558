/**
 * Pairs of names for tests: written by hand, by class of difference, from names that stand in the news
 * and on public lists. `SEEN` was looked at while the dials were set, `UNSEEN` was not.
 */
export type NamePair = { schema: string; same: boolean; name1: string; name2: string };

function pairs(schema: string, same: boolean, text: string): NamePair[] {
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

export const UNSEEN: readonly NamePair[] = [
  ...pairs(
    'Person',
    true,
    `
Dmitrij Peskow|Dmitry Peskov
Сергей Шойгу|Sergei Kuzhugetovich SHOIGU
Aleksandr Bortnikow|Alexander Bortnikov
Nikolay Patruschew|Nikolai Patrushev
Igor Setchine|Igor Sechin
Wjatscheslaw Wolodin|Vyacheslav Volodin
Yevgueni Shevchuk|Evgeny Shevchuk
Andrii Derkach|Андрій Деркач
Maher al-Assad|ماهر الأسد
Rami Makhlouf|رامي مخلوف
Hassan Rouhani|حسن روحانی
Mahmoud Ahmadinejad|Mahmud Ahmadi-Nezhad
Ebrahim Raisi|Ibrahim Raeisi
Saddam Husayn al-Tikriti|Saddam Hussein Al Tikriti
Abu Musab al-Zarqawi|Abou Moussab Zarkaoui
Khaled Mashaal|Khalid Mish'al
Ismail Haniyeh|Ismael Haniya
Moqtada as-Sadr|Muqtada al-Sadr
Hamid Karzai|Hamed Karzay
Dawood Ibrahim Kaskar|Daud Ebrahim
Hafiz Muhammad Saeed|Hafez Mohammad Said
Aleksandar Vucic|Александар Вучић
Ratko Mladić|Ratko Mladic
Kim Yo Jong|Kim Yo-jong
Choe Ryong-hae|Choi Ryong Hae
王毅|Wang Yi
李克强|Li Keqiang
Carrie Lam Cheng Yuet-ngor|Carrie Lam
Daniel Ortega Saavedra|José Daniel Ortega Saavedra
Diosdado Cabello Rondon|Diosdado CABELLO RONDÓN
Tareck Zaidan El Aissami Maddah|Tareck El Aissami
ORTEGA, Daniel|Daniel Ortega
Emmerson Mnangagwa|Emerson Mnangagwa
Omar al Bashir|Umar Hassan Ahmad al-Bashir
Paul Biya|Biya, Paul
Yahya Jammeh|Yaya Jammeh
Charles Ghankay Taylor|Charles Taylor
Thomas Lubanga Dyilo|Thomas Lubanga
Thein Sein|U Thein Sein
Ferdinand Marcos Jr.|Ferdinand Marcos
Rodrigo Duterte|Rodirgo Duterte
Gen. Prayut Chan-o-cha|Prayuth Chan-ocha
Mikhail Fridman|Michail Friedman
Pyotr Aven|Petr Aven
Vagit Alekperov|Vagit Yusufovich Alekperov
Suleyman Kerimov|Suleiman Kerimow
Alisher B. Usmanov|Alisher Burkhanovich Usmanov
Oleg Tinkov|Oleg Tinkoff
Marija Sacharowa|Maria Zakharova
Margarita Simonjan|Margarita Simonyan
Elvira Nabiullina|Elwira Nabiullina
Valentina Matviyenko|Walentina Matwijenko
Alina Kabaeva|Alina Kabajewa
Semion Mogilevich|Semyon Mogilevich
Victor Bout|Viktor But
Monzer al-Kassar|Mundhir al-Qassar
`,
  ),
  ...pairs(
    'Person',
    false,
    `
Sergei Lavrov|Sergei Larin
Dmitry Peskov|Dmitry Petrov
Igor Sechin|Igor Sikorsky
Maria Zakharova|Maria Sharapova
Alexander Novak|Alexander Nowicki
Mahmoud Abbas|Mahmoud Darwish
Hassan Rouhani|Hassan Nasrallah
Khaled Mashaal|Khaled Hosseini
Ismail Haniyeh|Ismail Kadare
Mohammad Javad Zarif|Mohammad Bagher Ghalibaf
Ali Larijani|Sadeq Larijani
Qusay Hussein|Uday Hussein
Kim Yo-jong|Kim Yong-nam
Park Geun-hye|Park Won-soon
Li Keqiang|Li Zhanshu
Wang Yi|Wang Qishan
Zhao Lijian|Zhao Leji
Chen Quanguo|Chen Xiaojiang
Carlos Slim|Carlos Menem
Jose Mourinho|Jose Saramago
Luis Hernandez Castro|Luis Fernandez Castillo
Pedro Sanchez Ruiz|Pablo Sanchez Ruiz
Hugo Carvajal|Hugo Sanchez
John Kerry|John Kelly
William Barr|William Burns
Robert Johnson|Robert Jackson
George Clooney|George Clinton
Anna Kournikova|Anna Karenina
Nguyen Tan Dung|Nguyen Tat Thanh
Paul Biya|Paul Kagame
Samuel Doe|Samuel Eto'o
Amadou Toure|Amadou Diallo
Mehmet Simsek|Mehmet Okur
`,
  ),
  ...pairs(
    'Company',
    true,
    `
Rosneft Oil Co.|ПАО НК Роснефть
Surgutneftegas PJSC|Surgutneftegaz OAO
Sovcombank|Совкомбанк
Promsvyazbank PJSC|PAO Promsvyazbank
Novatek|NOVATEK OAO
United Aircraft Corporation|UAC
Tactical Missile Corp|Tactical Missiles Corporation
Kalashnikov Concern JSC|Концерн Калашников
Bank Saderat Iran|Bank Saderat PLC
National Iranian Oil Company|NIOC
Iran Air Force|IRAN AIRFORCE
Khatam al-Anbiya Construction Headquarters|Khatam Al Anbia Construction HQ
Banco de Venezuela S.A.|Banco de Venezuela
Conviasa|CONVIASA S.A.
Hikvision Digital Technology Co., Ltd.|Hangzhou Hikvision Digital Technology
Semiconductor Manufacturing International Corporation|SMIC
Dalian Haibin International Freight|DALIAN HAIBIN INTL FREIGHT
Air Koryo|AIRKORYO
Foreign Trade Bank of DPRK|Foreign Trade Bank DPRK
Jaish-e-Mohammed|Jaish e Mohammad
Lashkar-e-Tayyiba|Lashkar e Taiba
Al-Nusrah Front|Al Nusra Front
Harakat ul-Mujahidin|Harakatul Mujahideen
Ansar al-Sharia|Ansar Al Shari'a
Hydra Market|HydraMarket
Suex OTC, s.r.o.|SUEX OTC
`,
  ),
  ...pairs(
    'Company',
    false,
    `
Bank Saderat Iran|Bank Sepah
Air Koryo|Air Korea
Korea Ryonbong General Corporation|Korea Tangun Trading Corporation
Novatek|Novartis
Sovcombank|Sovereign Bank
National Iranian Oil Company|National Iranian Tanker Company
Promsvyazbank|Promstroybank
Banco de Venezuela|Banco de Chile
Hangzhou Hikvision|Hangzhou Dahua
United Aircraft Corporation|United Shipbuilding Corporation
Blue Ocean Shipping|Blue Sky Shipping
Golden Star Trading|Golden Sun Trading
Alpha Capital Partners|Omega Capital Partners
Metro Bank PLC|Metro AG
`,
  ),
  ...pairs(
    'Vessel',
    true,
    `
M.V. Jie Shun|JIE SHUN
OCEAN 7|Ocean Seven
Pioneer Spirit|PIONEER-SPIRIT
`,
  ),
  ...pairs(
    'Vessel',
    false,
    `
Ocean 7|Ocean 8
Sea Pride|Sea Pearl
`,
  ),
];
