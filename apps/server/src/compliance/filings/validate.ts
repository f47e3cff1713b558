import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilingKind } from '@quittance/contract';
import type { Finding } from './findings.ts';
import { type AnchoredPatterns, findMisfits, readAnchoredPatterns } from './goaml/patterns.ts';

/** What the authority's own schema says of a document. */
export type Validation =
  | { readonly state: 'valid'; readonly schemaSha256: string }
  | { readonly state: 'invalid'; readonly schemaSha256: string; readonly errors: Finding[] }
  /** There is no schema: nobody has checked it. */
  | { readonly state: 'unvalidated'; readonly reason: string };

export type FilingValidator = {
  /** Checks documents of one kind; gives one answer for each, in their order. */
  validate(kind: FilingKind, documents: readonly string[]): Promise<Validation[]>;
};

const SCHEMAS: Readonly<Record<FilingKind, { file: string; folder: string; from: string }>> = {
  sar: {
    file: 'EFL_SARXBatchSchema.xsd',
    folder: 'fincen',
    from: 'https://www.fincen.gov/base/EFL_SARXBatchSchema.xsd',
  },
  ctr: {
    file: 'EFL_CTRXBatchSchema.xsd',
    folder: 'fincen',
    from: 'https://www.fincen.gov/base/EFL_CTRXBatchSchema.xsd',
  },
  goaml: { file: 'goAMLSchema.xsd', folder: 'goaml', from: "your FIU's goAML, under Documents" },
};
/** More errors of one document than this are one mistake seen often. */
const MAX_ERRORS = 20;
/** Documents in one call: each is read into the validator's memory. */
const AT_ONCE = 50;
/** Pages of 64 KiB: 16 MiB at first, 256 MiB at most. A SAR has a few dozen kB. */
const MEMORY = { initialMemoryPages: 256, maxMemoryPages: 4_096 };

/** @param folder with the authorities' schemas; null: nothing can be checked */
export function openFilingValidator(folder: string | null): FilingValidator {
  return {
    async validate(kind, documents) {
      const schema = folder === null ? null : await readSchema(folder, kind);
      if (schema === null) {
        const { file, from } = SCHEMAS[kind];
        const where =
          folder === null
            ? 'no folder with schemas is configured (filings.schemaFolder)'
            : `${file} is not in the configured folder`;
        const reason = `${where}; get it from ${from}`;
        return documents.map(() => ({ state: 'unvalidated', reason }) as const);
      }
      const answers: Validation[] = [];
      for (let at = 0; at < documents.length; at += AT_ONCE) {
        answers.push(...(await check(schema, documents.slice(at, at + AT_ONCE))));
      }
      return answers;
    },
  };
}

type Schema = { text: string; sha256: string; anchored: AnchoredPatterns | null };

async function readSchema(folder: string, kind: FilingKind): Promise<Schema | null> {
  const { file, folder: own } = SCHEMAS[kind];
  const path = [join(folder, own, file), join(folder, file)].find((one) => existsSync(one));
  if (path === undefined) return null;
  const text = await readFile(path, 'utf8');
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (kind !== 'goaml') return { text, sha256, anchored: null };
  return { text: withoutAnchors(text), sha256, anchored: readAnchoredPatterns(text) };
}

/**
 * goAML's patterns are JavaScript's, as the schema itself remarks: `^` and `$` are its anchors. In
 * XSD they are plain characters (XML Schema part 2, appendix F), by which every name would be
 * refused that does not begin with `^`. XSD patterns are anchored anyway, so they are taken off; what
 * they say is tried once more by goaml/patterns.ts.
 */
export function withoutAnchors(schema: string): string {
  return schema.replace(
    /(<xs:pattern value=")\^([^"]*)\$("\s*\/>)/g,
    (_, before: string, pattern: string, after: string) => `${before}${pattern}${after}`,
  );
}

async function check(schema: Schema, documents: readonly string[]): Promise<Validation[]> {
  // Loaded when needed: most stores file nothing, and it is a WebAssembly module.
  const { validateXML } = await import('xmllint-wasm');
  const xml = documents.map((contents, at) => ({ fileName: `document-${at}.xml`, contents }));
  const result = await validateXML({
    xml,
    schema: [{ fileName: 'schema.xsd', contents: schema.text }],
    ...MEMORY,
  });
  const { sha256: schemaSha256, anchored } = schema;
  return xml.map(({ fileName, contents }): Validation => {
    const errors = result.errors
      .filter(({ loc }) => loc?.fileName === fileName)
      .map(({ message, loc }) => ({ pointer: `line ${loc?.lineNumber ?? 0}`, detail: message }));
    // The validator says so of each that is; silence is no consent.
    const isValid = result.rawOutput.split('\n').includes(`${fileName} validates`);
    const misfits = anchored === null ? [] : findMisfits(contents, anchored);
    if (isValid && errors.length + misfits.length === 0) return { state: 'valid', schemaSha256 };
    const all = errors.length > 0 ? errors : misfits;
    const told = all.length > 0 ? all : [{ pointer: '', detail: lastWords(result.rawOutput) }];
    return { state: 'invalid', schemaSha256, errors: told.slice(0, MAX_ERRORS) };
  });
}

function lastWords(output: string): string {
  return output.slice(-500).trim() || 'the validator ended without a word';
}
