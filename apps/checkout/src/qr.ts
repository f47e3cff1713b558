import { create, type QRCodeErrorCorrectionLevel } from 'qrcode';
import { withoutParameter } from './links.ts';

export interface QrPicture {
  /** Side of the picture in modules, quiet zone included. */
  side: number;
  /** SVG path of the dark modules, one unit a module. */
  path: string;
  level: QRCodeErrorCorrectionLevel;
}

/** ISO/IEC 18004 §9.1 asks for four light modules around the code. */
const QUIET_ZONE = 4;

/**
 * Beyond this version (57 × 57) modules get too small for old phone cameras at the size that the
 * page shows, so a smaller code is worth more than more error correction.
 */
const LARGEST_COMFORTABLE_VERSION = 10;
/**
 * Beyond this version (117 × 117) a phone does not read the code from a screen at all, and beyond
 * 40 there is no code: a description of 500 Chinese characters takes 4,500 bytes in a link.
 */
const LARGEST_USABLE_VERSION = 25;
const LEVELS = ['L', 'M', 'Q', 'H'] as const;

/**
 * Draws the payment link. The level is the highest that costs no larger code: at least M while the
 * code stays comfortable to scan, L for very long links. What a payer needs not is left out of a link
 * that is too long for a code: first what it is for, then who is paid.
 */
export function drawQr(link: string): QrPicture {
  const text = usableLink(compactLink(link));
  const base = versionAt(text, 'M') <= LARGEST_COMFORTABLE_VERSION ? 'M' : 'L';
  const version = versionAt(text, base);
  const level = LEVELS.findLast((candidate) => versionAt(text, candidate) <= version) ?? base;
  const { modules } = create(text, { errorCorrectionLevel: level });
  return {
    side: modules.size + 2 * QUIET_ZONE,
    path: darkRuns(modules.size, (x, y) => modules.get(y, x) !== 0),
    level,
  };
}

/**
 * Writes a segwit address and an invoice in capitals, where a QR code spends 5.5 bits a letter instead of 8
 * (BIP173 allows it). Base58 addresses are case-sensitive and stay as they are. The scheme stays
 * lower case because some wallets compare it literally.
 */
export function compactLink(link: string): string {
  // Everybody who reads this scheme reads it in capitals: LUD-01 has shown it so from the beginning.
  if (/^lightning:ln[a-z0-9]+$/i.test(link)) return link.toUpperCase();
  return link
    .replace(
      /^bitcoin:((?:bc|tb|bcrt)1[02-9ac-hj-np-z]+)/i,
      (_, address: string) => `bitcoin:${address.toUpperCase()}`,
    )
    .replace(
      /([?&]lightning=)(ln[a-z0-9]+)/i,
      (_, key: string, invoice: string) => key + invoice.toUpperCase(),
    );
}

function usableLink(link: string): string {
  const isUsable = (text: string) => versionAt(text, 'L') <= LARGEST_USABLE_VERSION;
  // An invoice says itself who is paid and what for, and makes the code large enough.
  const isUnified = /[?&]lightning=/.test(link);
  if (!isUnified && isUsable(link)) return link;
  const withoutMessage = withoutParameter(link, 'message');
  return !isUnified && isUsable(withoutMessage)
    ? withoutMessage
    : withoutParameter(withoutMessage, 'label');
}

function versionAt(text: string, level: QRCodeErrorCorrectionLevel): number {
  try {
    return create(text, { errorCorrectionLevel: level }).version;
  } catch {
    // The library throws when the text does not fit in the largest code at this level.
    return Number.POSITIVE_INFINITY;
  }
}

/** Horizontal runs of dark modules as one path: a third of the size of single squares. */
function darkRuns(size: number, isDark: (x: number, y: number) => boolean): string {
  let path = '';
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!isDark(x, y)) continue;
      const start = x;
      while (x < size && isDark(x, y)) x++;
      path += `M${start + QUIET_ZONE} ${y + QUIET_ZONE}h${x - start}v1h-${x - start}z`;
    }
  }
  return path;
}
