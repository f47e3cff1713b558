import { fromHex, toHex } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { descriptorChecksum } from './checksum.ts';
import { sha256 } from '../hashes.ts';
import { deriveScripts } from './derive.ts';
import { parseDescriptor } from './descriptor.ts';

const COMPRESSED = '03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd';
const X_ONLY = COMPRESSED.slice(2);
const UNCOMPRESSED = `04${X_ONLY}5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235`;
const ROOT =
  'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB';
const CHILD =
  'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH';
const LEAF =
  'xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL';
const OTHER =
  'xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y';
const XPRV =
  'xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U';
const WIF = 'L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1';
const WIF_UNCOMPRESSED = '5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss';

/** Valid descriptors of BIP381, 382, 383 and 386 without private keys, and their scripts. */
const VALID: [text: string, scripts: string[]][] = [
  [
    `pkh([deadbeef/1/2'/3/4']${COMPRESSED})`,
    ['76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac'],
  ],
  [
    `pkh([deadbeef/1/2h/3/4h]${COMPRESSED})`,
    ['76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac'],
  ],
  [
    'pkh([bd16bee5/2147483647h]xpub69H7F5dQzmVd3vPuLKtcXJziMEQByuDidnX3YdwgtNsecY5HRGtAAQC5mXTt4dsv9RzyjgDjAQs9VGVV6ydYCHnprc9vvaA5YtqWyL6hyds/0)',
    ['76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac'],
  ],
  [`wpkh(${COMPRESSED})`, ['00149a1c78a507689f6f54b847ad1cef1e614ee23f1e']],
  [
    `wpkh([ffffffff/13']${CHILD}/1/2/*)`,
    [
      '0014326b2249e3a25d5dc60935f044ee835d090ba859',
      '0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7',
      '00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27',
    ],
  ],
  [
    'sh(wsh(multi(16,03669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0,0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600,0362a74e399c39ed5593852a30147f2959b56bb827dfa3e60e464b02ccf87dc5e8,0261345b53de74a4d721ef877c255429961b7e43714171ac06168d7e08c542a8b8,02da72e8b46901a65d4374fe6315538d8f368557dda3a1dcf9ea903f3afe7314c8,0318c82dd0b53fd3a932d16e0ba9e278fcc937c582d5781be626ff16e201f72286,0297ccef1ef99f9d73dec9ad37476ddb232f1238aff877af19e72ba04493361009,02e502cfd5c3f972fe9a3e2a18827820638f96b6f347e54d63deb839011fd5765d,03e687710f0e3ebe81c1037074da939d409c0025f17eb86adb9427d28f0f7ae0e9,02c04d3a5274952acdbc76987f3184b346a483d43be40874624b29e3692c1df5af,02ed06e0f418b5b43a7ec01d1d7d27290fa15f75771cb69b642a51471c29c84acd,036d46073cbb9ffee90473f3da429abc8de7f8751199da44485682a989a4bebb24,02f5d1ff7c9029a80a4e36b9a5497027ef7f3e73384a4a94fbfe7c4e9164eec8bc,02e41deffd1b7cce11cde209a781adcffdabd1b91c0ba0375857a2bfd9302419f3,02d76625f7956a7fc505ab02556c23ee72d832f1bac391bcd2d3abce5710a13d06,0399eb0a5487515802dc14544cf10b3666623762fbed2ec38a3975716e2c29c232)))',
    ['a9147fc63e13dc25e8a95a3cee3d9a714ac3afd96f1e87'],
  ],
  [`tr(${X_ONLY})`, ['512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11']],
  [`tr(${COMPRESSED})`, ['512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11']],
];

test.each(VALID)('BIP380 to 386: %s gives its published scripts', (text, scripts) => {
  const parsed = parseDescriptor(text, 'mainnet');
  if (!parsed.ok) throw new Error(parsed.reason);
  const range = { branch: 0, from: 0, count: scripts.length };
  expect(deriveScripts(parsed.descriptor, range).map(toHex)).toEqual(scripts);
});

test('BIP383: the published keys of sortedmulti are sorted anew at each index', () => {
  // The vector is a bare script, which no address can name: here its hash stands under wsh().
  const text = `wsh(sortedmulti(2,${LEAF}/*,${OTHER}/0/0/*))`;
  const parsed = parseDescriptor(text, 'mainnet');
  if (!parsed.ok) throw new Error(parsed.reason);
  const published = [
    '5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b62102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae',
    '52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe6472103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae',
    '5221022ccabda84c30bad578b13c89eb3b9544ce149787e5b538175b1d1ba259cbb83321024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c52ae',
  ];
  const scripts = deriveScripts(parsed.descriptor, { branch: 0, from: 0, count: 3 }).map(toHex);
  expect(scripts).toEqual(published.map((hex) => `0020${sha256Hex(hex)}`));
});

test('multi keeps the order in which the keys are written', () => {
  const scripts = ['multi', 'sortedmulti'].flatMap((name) =>
    [`${LEAF}/0,${OTHER}/0`, `${OTHER}/0,${LEAF}/0`].map((keys) => {
      const parsed = parseDescriptor(`wsh(${name}(1,${keys}))`, 'mainnet');
      if (!parsed.ok) throw new Error(parsed.reason);
      return deriveScripts(parsed.descriptor, { branch: 0, from: 0, count: 1 }).map(toHex)[0];
    }),
  );
  const [inOrder, reversed, sorted, alsoSorted] = scripts;
  expect(inOrder).not.toBe(reversed);
  expect(sorted).toBe(alsoSorted);
  expect([inOrder, reversed]).toContain(sorted);
});

test('BIP380: checksums are verified, and absent ones accepted', () => {
  expect(descriptorChecksum('raw(deadbeef)')).toBe('89f8spxm');
  expect(descriptorChecksum('raw(Ü)')).toBeNull();
  const text = `wpkh(${COMPRESSED})`;
  const sum = descriptorChecksum(text) ?? '';
  expect(parseDescriptor(text, 'mainnet').ok).toBe(true);
  expect(parseDescriptor(`${text}#${sum}`, 'mainnet').ok).toBe(true);
  const changed = `wpkh(02${COMPRESSED.slice(2)})`;
  for (const bad of [
    `${text}#`,
    `${text}#${sum}x`,
    `${text}#${sum.slice(1)}`,
    `${changed}#${sum}`,
  ]) {
    expect(parseDescriptor(bad, 'mainnet')).toMatchObject({ ok: false, code: 'bad_checksum' });
  }
  expect(parseDescriptor(`${text}##${sum.slice(1)}`, 'mainnet')).toMatchObject({
    ok: false,
    code: 'bad_checksum',
  });
  expect(parseDescriptor('wpkh(Ü)#00000000', 'mainnet')).toMatchObject({ code: 'invalid' });
});

test('BIP389: each branch of a multipath descriptor equals the descriptor it expands into', () => {
  const expansions: [text: string, branches: string[]][] = [
    [`wpkh([ffffffff/13h]${CHILD}/<1;3>/2/*)`, [`wpkh(${CHILD}/1/2/*)`, `wpkh(${CHILD}/3/2/*)`]],
    [
      `wsh(multi(2,${LEAF}/<1;2>/*,${OTHER}/<3;4>/0/*))`,
      [`wsh(multi(2,${LEAF}/1/*,${OTHER}/3/0/*))`, `wsh(multi(2,${LEAF}/2/*,${OTHER}/4/0/*))`],
    ],
    [`pkh(${ROOT}/<0;1;2>)`, [`pkh(${ROOT}/0)`, `pkh(${ROOT}/1)`, `pkh(${ROOT}/2)`]],
    [
      `sh(wsh(multi(1,${LEAF}/<1;2>/0/*,${OTHER}/0/*)))`,
      [
        `sh(wsh(multi(1,${LEAF}/1/0/*,${OTHER}/0/*)))`,
        `sh(wsh(multi(1,${LEAF}/2/0/*,${OTHER}/0/*)))`,
      ],
    ],
  ];
  for (const [text, branches] of expansions) {
    const whole = parseDescriptor(text, 'mainnet');
    if (!whole.ok) throw new Error(whole.reason);
    expect(whole.descriptor.branches).toBe(branches.length);
    branches.forEach((expanded, branch) => {
      const single = parseDescriptor(expanded, 'mainnet');
      if (!single.ok) throw new Error(single.reason);
      expect(deriveScripts(whole.descriptor, { branch, from: 5, count: 2 })).toEqual(
        deriveScripts(single.descriptor, { branch: 0, from: 5, count: 2 }),
      );
    });
  }
});

test.each([
  `pkh(${ROOT}/<0;1>/<2;3>)`,
  `pkh([deadbeef/<0;1>]${ROOT}/0)`,
  `wsh(multi(2,${LEAF}/<1;2;3>/0/*,${OTHER}/<3;4>/*))`,
  `wpkh(${ROOT}/<>/*)`,
  `wpkh(${ROOT}/0>/*)`,
  `wpkh(${ROOT}/<0/*)`,
  `wpkh(${ROOT}/<0;>/*)`,
  `wpkh(${ROOT}/<0>/*)`,
  `wpkh(${ROOT}/<1;1>/*)`,
])('BIP389: %s is invalid', (text) => {
  expect(parseDescriptor(text, 'mainnet')).toMatchObject({ ok: false, code: 'invalid' });
});

test.each([
  [`wpkh([deadbeef/0h/0h/0h/*]${COMPRESSED})`, 'invalid'],
  [`wpkh([deadbeef/0h/0h/0h/]${COMPRESSED})`, 'invalid'],
  [`wpkh([deadbef/0h/0h/0h]${COMPRESSED})`, 'invalid'],
  [`wpkh([deadbeeef/0h/0h/0h]${COMPRESSED})`, 'invalid'],
  [`wpkh([deadbeef/0f/0f/0f]${COMPRESSED})`, 'invalid'],
  [`wpkh([deadbeef/-0/-0/-0]${COMPRESSED})`, 'invalid'],
  [`wpkh([deadbeef/0H/0H/0H]${COMPRESSED})`, 'invalid'],
  [`wpkh([aaaaaaaa][aaaaaaaa]${ROOT}/0)`, 'invalid'],
  [`wpkh(aaaaaaaa]${ROOT}/0)`, 'invalid'],
  [`wpkh([gaaaaaaa]${ROOT}/0)`, 'invalid'],
  ['wpkh([deadbeef])', 'invalid'],
  [`wpkh(${ROOT}/2147483648)`, 'invalid'],
  [`wpkh(${ROOT}/1aa)`, 'invalid'],
  [`wpkh(${ROOT}/)`, 'invalid'],
  [`wpkh(${ROOT}/*/0)`, 'invalid'],
  [`wpkh(${COMPRESSED}/0)`, 'invalid'],
  [`wpkh(${COMPRESSED}/*)`, 'invalid'],
  [`wpkh(${ROOT}/3h/4h/5h/*)`, 'hardened'],
  [`wpkh(${ROOT}/*h)`, 'hardened'],
  [`wpkh(${ROOT}/*')`, 'hardened'],
  [`wpkh(${ROOT}/<0h;1>/*)`, 'hardened'],
  [`wpkh(${WIF})`, 'private_key'],
  [`wpkh(${WIF_UNCOMPRESSED})`, 'private_key'],
  [`pkh(${WIF}/0)`, 'private_key'],
  [`sh(wpkh(${XPRV}/10/20/30/40/*'))`, 'private_key'],
  [`tr(${WIF})`, 'private_key'],
  [`tr(${ROOT}/0/*,pk(${XPRV}/1/*))`, 'private_key'],
  [`wsh(multi(2,${LEAF},${XPRV}))`, 'private_key'],
  [`wpkh(${UNCOMPRESSED})`, 'unsupported'],
  [`tr(${UNCOMPRESSED})`, 'unsupported'],
  [`wpkh(05${X_ONLY})`, 'invalid'],
  [`wsh(wpkh(${COMPRESSED}))`, 'unsupported'],
  [`wsh(wsh(pkh(${COMPRESSED})))`, 'unsupported'],
  [`wpkh(wsh(pkh(${COMPRESSED})))`, 'unsupported'],
  [`wsh(${COMPRESSED})`, 'unsupported'],
  [`sh(${COMPRESSED})`, 'unsupported'],
  [`sh(sh(pkh(${COMPRESSED})))`, 'unsupported'],
  [`sh(tr(${X_ONLY}))`, 'unsupported'],
  [`tr(${X_ONLY},pk(${X_ONLY}))`, 'unsupported'],
  [`combo(${COMPRESSED})`, 'unsupported'],
  ['raw(deadbeef)', 'unsupported'],
  ['addr(1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa)', 'unsupported'],
  [`wpkh(${COMPRESSED},${COMPRESSED})`, 'invalid'],
  [`wpkh(${COMPRESSED}`, 'invalid'],
  [`wpkh(${COMPRESSED}))`, 'invalid'],
  [`sh(wpkh(${COMPRESSED})`, 'invalid'],
  ['wpkh()', 'invalid'],
  ['hello', 'invalid'],
  ['', 'invalid'],
  [`wsh(multi(a,${LEAF},${OTHER}))`, 'invalid'],
  [`wsh(multi(0,${LEAF},${OTHER}))`, 'invalid'],
  [`wsh(multi(3,${LEAF},${OTHER}))`, 'invalid'],
  [`wsh(multi(01,${LEAF},${OTHER}))`, 'invalid'],
  ['wsh(multi(1))', 'invalid'],
  [`wsh(sortedmulti(2,${LEAF}/0/*,[deadbeef]${LEAF}/0/*))`, 'invalid'],
  [
    `wsh(sortedmulti(1,${Array.from({ length: 21 }, (_, i) => `${LEAF}/${i}`).join(',')}))`,
    'invalid',
  ],
])('%s is refused as %s', (text, code) => {
  expect(parseDescriptor(text, 'mainnet')).toMatchObject({ ok: false, code });
});

test('the canonical text is a fixed point, with "h" for hardened and its checksum', () => {
  const parsed = parseDescriptor(` wpkh([DEADBEEF/84'/0h/00']${CHILD}/<0;1>/*)\n`, 'mainnet');
  if (!parsed.ok) throw new Error(parsed.reason);
  const { text } = parsed.descriptor;
  const payload = `wpkh([deadbeef/84h/0h/0h]${CHILD}/<0;1>/*)`;
  expect(text).toBe(`${payload}#${descriptorChecksum(payload)}`);
  expect(parseDescriptor(text, 'mainnet')).toEqual(parsed);
});

test('garbage is answered and never throws', () => {
  const pieces = [
    'wpkh(',
    'wsh(',
    'multi(',
    'tr(',
    ')',
    ',',
    '/',
    '*',
    '<0;1>',
    '#',
    '[',
    ']',
    '2',
  ];
  const part = fc.oneof(
    fc.constantFrom(...pieces, ROOT, LEAF, X_ONLY, 'deadbeef', '0h'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const parsed = parseDescriptor(parts.join(''), 'mainnet');
      if (parsed.ok) expect(parseDescriptor(parsed.descriptor.text, 'mainnet').ok).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test('deriving outside of a descriptor is a bug that is caught', () => {
  const parsed = parseDescriptor(`wpkh(${CHILD}/<0;1>/*)`, 'mainnet');
  if (!parsed.ok) throw new Error(parsed.reason);
  const derive = (branch: number, from: number, count: number) => () =>
    deriveScripts(parsed.descriptor, { branch, from, count });
  expect(derive(2, 0, 1)).toThrow('branch');
  expect(derive(0.5, 0, 1)).toThrow('branch');
  expect(derive(0, -1, 1)).toThrow('index');
  expect(derive(0, 0x80000000, 1)).toThrow('index');
  expect(derive(0, 0x7fffffff, 2)).toThrow('index');
  expect(derive(0, 0, 10_001)).toThrow('too many');
  expect(derive(0, 0x7fffffff, 1)()).toHaveLength(1);
});

function sha256Hex(hex: string): string {
  return toHex(sha256(fromHex(hex)));
}
