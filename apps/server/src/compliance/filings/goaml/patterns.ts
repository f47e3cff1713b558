import { SaxesParser } from 'saxes';
import type { Finding } from '../findings.ts';

/**
 * Patterns of goAML's schema that are written with JavaScript's anchors, by the element whose text they
 * are for. The validator gets a schema without the anchors (validate.ts); these are read and tried
 * once more, as their authors meant them, so that a schema written in another way than the one that
 * was seen can not lose them unnoticed.
 */
export type AnchoredPatterns = {
  /** An element of one name may stand in several types: its text has to fit one of their patterns. */
  readonly ofElement: ReadonlyMap<string, readonly RegExp[]>;
  /** All that were found, as the schema writes them. */
  readonly all: readonly string[];
};

export function readAnchoredPatterns(schema: string): AnchoredPatterns {
  const ofElement = new Map<string, RegExp[]>();
  const all: string[] = [];
  const elements: (string | null)[] = [];
  const parser = new SaxesParser();
  // By a schema that is no XML the validator refuses every document.
  parser.on('error', () => undefined);
  parser.on('opentag', ({ name, attributes }) => {
    elements.push(localName(name) === 'element' ? (attributes['name'] ?? null) : null);
    const value = attributes['value'] ?? '';
    if (localName(name) !== 'pattern' || !/^\^.*\$$/su.test(value)) return;
    all.push(value);
    const owner = elements.findLast((one) => one !== null);
    if (owner === undefined || owner === null) return;
    ofElement.set(owner, [...(ofElement.get(owner) ?? []), new RegExp(value, 'u')]);
  });
  parser.on('closetag', () => void elements.pop());
  parser.write(schema).close();
  return { ofElement, all };
}

/** Texts of a document that fit none of the patterns of their element. */
export function findMisfits(document: string, { ofElement }: AnchoredPatterns): Finding[] {
  const findings: Finding[] = [];
  const texts: string[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', () => void texts.push(''));
  parser.on('text', (text) => {
    const at = texts.length - 1;
    if (at >= 0) texts[at] += text;
  });
  parser.on('closetag', ({ name }) => {
    const text = texts.pop() ?? '';
    const patterns = ofElement.get(localName(name));
    if (patterns === undefined || patterns.some((pattern) => pattern.test(text))) return;
    const wanted = patterns.map(({ source }) => source).join(' or ');
    const detail = `Element '${localName(name)}': the value '${text}' does not fit ${wanted}`;
    findings.push({ pointer: `line ${parser.line}`, detail });
  });
  // What is no XML is for the validator to tell.
  parser.on('error', () => undefined);
  parser.write(document).close();
  return findings;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
