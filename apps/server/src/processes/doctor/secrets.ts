import { existsSync } from 'node:fs';
import type { Config } from '../../platform/config/index.ts';
import { openSealer } from '../../platform/sealing/index.ts';
import { secretsKeyFileOf } from '../configured.ts';
import { blocking, type Finding, ok, reasonOf } from './finding.ts';

/** Is there the key for sealed secrets, and is it its owner's alone? */
export async function checkSecretsKey(config: Config): Promise<Finding[]> {
  const file = secretsKeyFileOf(config);
  if (!existsSync(file)) return [ok('secrets key', `${file} is made at the first start`)];
  try {
    openSealer(file);
    return [ok('secrets key', `${file}; keep a copy apart from the database's backups`)];
  } catch (error) {
    return [blocking('secrets key', reasonOf(error), 'restore the file, or mend its rights')];
  }
}
