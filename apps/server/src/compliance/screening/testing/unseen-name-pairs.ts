import { type NamePair, pairs } from './name-pairs.ts';

/** Pairs that were written when the dials were set, and not looked at before. */
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
