import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FilingKind, filingKinds } from '@quittance/contract';
import { buildFiling, openFilingValidator, sampleFiling } from '../compliance/filings/index.ts';

const USAGE_ERROR = 2;
/** A folder with more files is of no use to anybody. */
const MAX_COUNT = 100_000;
/** Documents that are held at once. */
const AT_ONCE = 500;
const MAX_SEED = 2 ** 31 - 1;

const USAGE = `usage:
  quittance filings sample --kind sar|ctr|goaml --count N --seed S --out DIR [--schemas DIR]`;

/** A command line that is not as it should be. */
class InputError extends Error {
  override readonly name = 'InputError';
}

/** `quittance filings sample`: made-up reports as an authority would get them. */
export async function runFilings(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      kind: { type: 'string' },
      count: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      schemas: { type: 'string' },
    },
  });
  try {
    const [command, more] = positionals;
    if (command !== 'sample' || more !== undefined) throw new InputError('only "sample" is known');
    const { kind, out } = values;
    if (!isKind(kind)) throw new InputError(`--kind is one of ${filingKinds.join(', ')}`);
    if (out === undefined) throw new InputError('--out is missing');
    const count = wholeNumber('--count', values.count, { least: 1, most: MAX_COUNT });
    const seed = wholeNumber('--seed', values.seed, { least: 0, most: MAX_SEED });
    return await writeSamples({ kind, count, seed, out, schemas: values.schemas ?? null });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(`quittance filings: ${error.message}\n${USAGE}`);
    return USAGE_ERROR;
  }
}

async function writeSamples(given: {
  kind: FilingKind;
  count: number;
  seed: number;
  out: string;
  schemas: string | null;
}): Promise<number> {
  const { kind, count, seed, out, schemas } = given;
  await mkdir(out, { recursive: true });
  const validator = openFilingValidator(schemas);
  const tally = { valid: 0, invalid: 0, unvalidated: 0 };
  for (let first = 0; first < count; first += AT_ONCE) {
    const documents: string[] = [];
    for (let at = first; at < Math.min(count, first + AT_ONCE); at++) {
      const { facts, reporter } = sampleFiling(kind, seed + at);
      const built = buildFiling(facts, reporter);
      if (!built.ok) {
        console.error(`sample ${at}: ${JSON.stringify(built.findings)}`);
        return 1;
      }
      documents.push(built.xml);
      await writeFile(join(out, `${kind}-${String(at + 1).padStart(6, '0')}.xml`), built.xml);
    }
    for (const [at, { state, ...more }] of (await validator.validate(kind, documents)).entries()) {
      tally[state]++;
      if (state === 'invalid') console.error(`sample ${first + at}: ${JSON.stringify(more)}`);
    }
  }
  console.log(JSON.stringify({ kind, count, seed, out, ...tally }));
  if (tally.unvalidated > 0) {
    console.error('nothing was checked: --schemas DIR names a folder with the schemas');
  }
  if (kind === 'goaml') {
    console.error(
      'a tool that takes goAML patterns for XSD patterns refuses every name: see docs/filings.md',
    );
  }
  return tally.invalid === 0 ? 0 : 1;
}

function isKind(text: string | undefined): text is FilingKind {
  return filingKinds.some((kind) => kind === text);
}

function wholeNumber(
  name: string,
  text: string,
  { least, most }: { least: number; most: number },
): number {
  const value = Number(text);
  if (/^[0-9]{1,10}$/.test(text) && value >= least && value <= most) return value;
  throw new InputError(`${name} is a whole number from ${least} to ${most}`);
}
