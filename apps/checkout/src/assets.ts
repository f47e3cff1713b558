import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Asset {
  body: string;
  /** Start of the body's SHA-256 in hexadecimal: the file's name changes with its content. */
  hash: string;
}

/** 64 bits are plenty to tell versions of one file apart; it is no secret. */
const HASH_LENGTH = 16;

/**
 * Bundles the pages' scripts and style sheet, minified, in memory: nothing is written. Takes a few
 * tens of milliseconds, so a server does it once at its start. The claim page of a refund has a
 * small script of its own, so that the order's page carries none of it.
 */
export async function buildAssets(): Promise<{
  script: Asset;
  refundScript: Asset;
  style: Asset;
}> {
  const [script, refundScript, style] = await Promise.all([
    bundle('./client/main.ts'),
    bundle('./client/refund.ts'),
    bundle('./styles/index.css'),
  ]);
  return { script, refundScript, style };
}

async function bundle(entry: string): Promise<Asset> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    // Browsers since 2022; wallets' built-in browsers are that old at most.
    target: ['es2022', 'chrome102', 'safari15.4', 'firefox102'],
    // Of the QR library the page needs the code only, not its pictures in PNG, canvas and text.
    alias: { qrcode: 'qrcode/lib/core/qrcode.js' },
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'silent',
  });
  const body = result.outputFiles[0]?.text;
  if (body === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return { body, hash: createHash('sha256').update(body).digest('hex').slice(0, HASH_LENGTH) };
}
