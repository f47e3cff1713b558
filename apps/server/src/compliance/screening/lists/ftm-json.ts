import type { EntrySchema, ImportEvent } from '../list-entry.ts';
import { buildEntry } from './entry-builder.ts';
import { isObject, readJsonLines, strings } from './json-lines.ts';

/**
 * Entities of FollowTheMoney, one in a line, as OpenSanctions publishes them (entities.ftm.json).
 * https://followthemoney.tech/explorer/
 */

const SCHEMAS: Readonly<Record<string, EntrySchema>> = {
  Person: 'Person',
  Company: 'Organization',
  Organization: 'Organization',
  PublicBody: 'Organization',
  LegalEntity: 'LegalEntity',
  Vessel: 'Vessel',
  Airplane: 'Aircraft',
  CryptoWallet: 'LegalEntity',
};

export async function* importFtm(files: readonly string[]): AsyncGenerator<ImportEvent> {
  for await (const one of readJsonLines(files)) {
    if ('kind' in one) {
      yield one as ImportEvent;
      continue;
    }
    const { file, line, object } = one;
    const [id] = strings(object['id']);
    const [schemaName = ''] = strings(object['schema']);
    const properties = object['properties'];
    if (id === undefined || !isObject(properties)) {
      yield { kind: 'finding', finding: { file, line, message: 'no "id" or no "properties"' } };
      continue;
    }
    // Addresses, sanctions, ownership and the like are facts about entities, not entities.
    const schema = SCHEMAS[schemaName];
    if (schema === undefined) continue;
    const [list = 'ftm'] = strings(object['datasets']);
    const entry = buildEntry({ list: `ftm-${list}`, id, schema, file, line });
    const get = (key: string) => strings(properties[key]);
    for (const name of get('name')) entry.name(name, 'primary');
    for (const name of [...get('alias'), ...get('previousName')]) entry.name(name, 'alias');
    for (const name of [...get('weakAlias'), ...get('abbreviation')]) entry.name(name, 'weak');
    for (const date of get('birthDate')) entry.birthDate(date);
    for (const gender of get('gender')) entry.gender(gender);
    if (get('name').length === 0) {
      const parts = ['firstName', 'secondName', 'middleName', 'fatherName', 'lastName'].map(get);
      entry.name(parts.flatMap(([first]) => first ?? []).join(' '), 'primary');
    }
    for (const property of ['nationality', 'citizenship', 'country', 'jurisdiction', 'flag']) {
      for (const country of get(property)) {
        // "gb-sct" is a part of gb; codes of four letters are countries that are no more (suhh).
        const [code = ''] = country.split('-');
        if (code.length !== 4) entry.country(code);
      }
    }
    for (const topic of get('topics')) entry.topic(topic);
    for (const programme of get('programId')) entry.topic(programme);
    const [asset = ''] = get('currency');
    for (const address of get('publicKey')) entry.address(asset, address);
    yield* entry.events();
  }
}
