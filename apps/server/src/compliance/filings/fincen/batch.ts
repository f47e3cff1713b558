import type { Finding } from '../findings.ts';
import {
  element,
  numberElements,
  withAttributes,
  writeXml,
  type XmlElement,
} from '../xml/element.ts';

/** The namespace of FinCEN's schemas, and the prefix that its samples and its parser use. */
const NAMESPACE = 'www.fincen.gov/base';
const PREFIX = 'fc2:';

/** One batch with one report; every element that has a number gets its own. */
export function writeBatch(batch: {
  form: 'SARX' | 'CTRX';
  activity: XmlElement;
  attributes: readonly (readonly [string, string])[];
}): string {
  const root = element('EFilingBatchXML', [element('FormTypeCode', batch.form), batch.activity]);
  const withHead = withAttributes(numberElements(root, 'SeqNum'), [
    ['xmlns:fc2', NAMESPACE],
    ...batch.attributes,
  ]);
  return writeXml(withHead, PREFIX);
}

/** What stands in several places of a document is told once. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ pointer, detail }) => {
    const key = `${pointer} ${detail}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** A BSA ID as it is filed; fourteen zeros where a correction does not know it. */
export const BSA_ID = /^[0-9]{14}$/;
