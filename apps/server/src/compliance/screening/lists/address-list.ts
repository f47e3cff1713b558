import { basename } from 'node:path';
import { normaliseAddress } from '../addresses/normalise.ts';
import type { ImportEvent } from '../list-entry.ts';
import { buildEntry } from './entry-builder.ts';
import { readLines } from './read-lines.ts';

/** An address list that names no asset is one of Bitcoin addresses. */
const DEFAULT_ASSET = 'XBT';

/**
 * Which asset a line is of that names none: what can be no address is a domain, a Lightning address or
 * a Lightning node.
 */
function assetFor(address: string): string {
  if (address.includes('@')) return 'LNADDR';
  if (address.includes('.')) return 'DOMAIN';
  return /^0[23][0-9a-fA-F]{64}$/.test(address) ? 'LNNODE' : DEFAULT_ASSET;
}

/**
 * Plain lists: an address, a Lightning node's key or a domain in each line, or `ASSET,address`; blank lines and lines with # are left
 * out. The list is named after its file.
 */
export async function* importAddressList(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    const list = `addresses-${basename(file).replace(/\.[^.]*$/, '')}`;
    for await (const { text, line } of readLines(file)) {
      const plain = text.trim();
      if (plain === '' || plain.startsWith('#')) continue;
      const [, asset, address = ''] =
        /^(?:([A-Za-z0-9]{2,10})\s*[,;\t]\s*)?([A-Za-z0-9:._@+-]+)$/.exec(plain) ?? [];
      // Signs that only domains and Lightning addresses have must make one.
      const isStrange = /[._@+-]/.test(address) && normaliseAddress(address) === null;
      if (address === '' || isStrange) {
        yield { kind: 'finding', finding: { file, line, message: `not an address: "${plain}"` } };
        continue;
      }
      const entry = buildEntry({ list, id: address, schema: 'LegalEntity', file, line });
      entry.address(asset ?? assetFor(address), address);
      yield* entry.events();
    }
  }
}
