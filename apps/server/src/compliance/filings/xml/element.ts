import { assert } from '@quittance/kernel';

/** An element with either elements or text in it. */
export type XmlElement = {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly children: readonly XmlElement[] | string;
  /** FinCEN's documents number elements with an attribute, see `numberElements`. */
  readonly numbered: boolean;
};
/** Parts that may be absent. */
export type Parts = readonly (XmlElement | null)[];

export function element(name: string, children: Parts | string): XmlElement {
  return { name, attributes: [], children: present(children), numbered: false };
}

/** An element that gets its own number. */
export function numbered(name: string, children: Parts): XmlElement {
  return { name, attributes: [], children: present(children), numbered: true };
}

/** A text in an element; null for no text. */
export function leaf(name: string, text: string | null): XmlElement | null {
  return text === null ? null : element(name, text);
}

export function withAttributes(node: XmlElement, attributes: XmlElement['attributes']): XmlElement {
  return { ...node, attributes: [...node.attributes, ...attributes] };
}

function present(children: Parts | string): XmlElement['children'] {
  return typeof children === 'string' ? children : children.filter((child) => child !== null);
}

/** Gives every numbered element the next number, in the document's order, from 1 on. */
export function numberElements(root: XmlElement, attribute: string): XmlElement {
  let next = 1;
  const visit = (node: XmlElement): XmlElement => {
    const number = node.numbered ? ([attribute, String(next++)] as const) : null;
    const { children } = node;
    return {
      ...node,
      attributes: number === null ? node.attributes : [number, ...node.attributes],
      children: typeof children === 'string' ? children : children.map(visit),
    };
  };
  return visit(root);
}

/**
 * Writes a document in UTF-8. What has to be cleaned was cleaned before: a character that XML can't
 * hold is a bug here.
 * @param prefix put before the name of each element
 */
export function writeXml(root: XmlElement, prefix = ''): string {
  const parts: string[] = ['<?xml version="1.0" encoding="UTF-8"?>\n'];
  const visit = ({ name, attributes, children }: XmlElement, indent: string): void => {
    const attributeText = attributes.map(([key, value]) => ` ${key}="${escape(value)}"`).join('');
    const open = `${indent}<${prefix}${name}${attributeText}`;
    if (typeof children === 'string') {
      parts.push(`${open}>${escape(children)}</${prefix}${name}>\n`);
      return;
    }
    parts.push(`${open}>\n`);
    for (const child of children) visit(child, `${indent}  `);
    parts.push(`${indent}</${prefix}${name}>\n`);
  };
  visit(root, '');
  return parts.join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  // Also the end of what would otherwise read as the end of a CDATA section (XML 1.0 §2.4).
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function escape(text: string): string {
  assert(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    text.isWellFormed() && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text),
    'text of a document was cleaned before it is written',
  );
  return text.replace(/[&<>"'\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}
