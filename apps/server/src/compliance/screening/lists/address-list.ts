import { basename } from 'node:path';
import type { ImportEvent } from '../list-entry.ts';
import { buildEntry } from './entry-builder.ts';
import { readLines } from './read-lines.ts';

/** An address list that names no asset is one of Bitcoin addresses. */
const DEFAULT_ASSET = 'XBT';

/**
 * Plain lists: an address in each line, or `ASSET,address`; blank lines and lines with # are left
 * out. The list is named after its file.
 */
export async function* importAddressList(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for (const file of files) {
    const list = `addresses-${basename(file).replace(/\.[^.]*$/, '')}`;
    for await (const { text, line } of readLines(file)) {
      const plain = text.trim();
      if (plain === '' || plain.startsWith('#')) continue;
      const [, asset = DEFAULT_ASSET, address = ''] =
        /^(?:([A-Za-z0-9]{2,10})\s*[,;\t]\s*)?([A-Za-z0-9:]+)$/.exec(plain) ?? [];
      if (address === '') {
        yield { kind: 'finding', finding: { file, line, message: `not an address: "${plain}"` } };
        continue;
      }
      const entry = buildEntry({ list, id: address, schema: 'LegalEntity', file, line });
      entry.address(asset, address);
      yield* entry.events();
    }
  }
}
