/**
 * Names that millions bear, family names first. Lists are short and have few of them, so that their own
 * counts would take "Brandon Williams" for one man. The last lines are skeletons of Arabic letters.
 */
export const COMMON_NAMES: ReadonlySet<string> = new Set(
  `wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin luo gao zheng liang xie song
 tang deng feng cao peng zeng xiao wong chan cheung lau lam ng tan lim
 kim lee park choi jung kang cho yoon jang shin han oh seo kwon
 nguyen tran le pham hoang phan vu vo dang bui do ho ngo duong ly
 singh kumar sharma khan patel das gupta shah ali ahmed hussain begum akhtar malik
 garcia rodriguez martinez hernandez lopez gonzalez gonzales perez sanchez ramirez torres flores rivera gomez
 diaz reyes cruz morales ortiz gutierrez chavez ramos ruiz alvarez mendoza vasquez vazquez castillo jimenez
 moreno romero herrera medina aguilar vargas castro fernandez guzman munoz mendez salazar soto delgado pena
 rios dominguez suarez silva santos oliveira souza pereira costa ferreira alves ribeiro carvalho almeida
 smith johnson williams brown jones miller davis wilson anderson thomas taylor moore jackson martin thompson
 white harris clark lewis robinson walker young allen king wright scott hill green adams nelson baker hall
 campbell mitchell carter roberts phillips evans turner parker collins edwards stewart morris murphy cook
 rogers morgan cooper peterson reed bailey bell kelly howard ward cox richardson wood watson brooks bennett
 gray james hughes price myers long foster sanders ross
 ivanov petrov sidorov smirnov kuznetsov popov vasiliev sokolov mikhailov novikov fedorov morozov volkov
 alekseev lebedev semenov egorov pavlov kozlov stepanov nikolaev orlov andreev makarov nikitin zakharov
 ivanova petrova smirnova kuznetsova popova
 muller mueller schmidt schneider fischer weber meyer wagner becker schulz hoffmann
 rossi russo ferrari esposito bianchi romano bernard dubois petit durand leroy moreau simon laurent
 yilmaz kaya demir sahin celik yildiz hosseini mohammadi ahmadi karimi rezaei moradi jafari hashemi
 mohammed muhammad hassan ibrahim abdullah rahman hussein
 tanaka suzuki sato takahashi watanabe ito yamamoto nakamura kobayashi
 ashley jennifer jessica amanda brittany samantha stephanie nicole heather melissa amber megan rachel kayla
 lauren emily hannah kimberly tiffany crystal michelle angela lisa karen nancy betty sandra donna carol ruth
 sharon cynthia kathleen amy shirley brenda pamela debra virginia janet janice martha marta diane joyce alice
 brandon tyler jason justin ryan kevin brian gary scott jeremy sean shawn kyle aaron adam dylan ethan jordan
 logan mason noah jacob austin cody travis derek brett chad craig keith wayne roy ralph eugene bruce willie
 luis carlos jose juan jorge miguel pedro javier sergio fernando ricardo eduardo roberto manuel oscar ruben
 raul hector cesar ivan gustavo ana rosa carmen luz gloria patricia adriana sandra yolanda leticia veronica
 claudia silvia norma alma irma blanca elena isabel teresa guadalupe lucia jean pierre michel alain philippe
 nathalie isabelle catherine sophie chantal wolfgang klaus jurgen dieter helga ursula monika sabine petra
 giuseppe francesco antonio luca andrea marco giovanna francesca paolo anjali priya rahul amit ravi sunil anil
 rajesh sanjay deepak pooja neha kavita sunita min jun wei jing ying hui hong mei ping fang yan juan lei jie
 hao yu xin bin bo tao gang yong jian hua ming qiang peng chao li xiu guo zhi wen dong
 minh thi van thanh anh hung dung tuan huong lan linh mai phuong thu trang
 mohamed mahmoud fatima aisha maryam zahra zainab khadija hasan ali omar khalid abdul rahman said yusuf
 mhmd aly hsyn hsn ahmd abrahym mhdy rda fatmh zhra mrym sara abas jafr mhmwd amyr abd allh zynb qasm ywsf
 salh smyr adnan skyn nrgs lyla maryam syd sadq kazm akbr asghr rsa mhmdy ahmdy hsyny rdayy krymy jafry rzayy asrfy`
    .split(/\s+/)
    .filter((name) => name !== ''),
);
