import { createReadStream } from 'node:fs';
import { SaxesParser } from 'saxes';
import { ListError } from '../errors.ts';

export type XmlElement = {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  text: string;
  line: number;
};

/** Records are shallow and small; deeper or larger ones are not those of a list. */
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 100_000;

/**
 * The elements of the wanted names, each whole, one at a time: the file is never in memory. Nothing
 * outside the file is read: entities that a document declares stay unread.
 * @throws {ListError} for a file that is not well-formed, at the line where it is not
 */
export async function* readXml(
  file: string,
  wanted: ReadonlySet<string>,
): AsyncGenerator<XmlElement> {
  const parser = new SaxesParser({ position: true });
  const open: XmlElement[] = [];
  let ready: XmlElement[] = [];
  let failure: Error | undefined;
  let elements = 0;
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.on('opentag', (tag) => {
    const name = tag.name.replace(/^.*:/, '');
    if (open.length === 0 && !wanted.has(name)) return;
    elements = open.length === 0 ? 1 : elements + 1;
    if (open.length >= MAX_DEPTH || elements > MAX_ELEMENTS) {
      failure ??= new Error('an entry is too deep or too large');
      return;
    }
    const attributes: Record<string, string> = {};
    for (const [key, value] of Object.entries(tag.attributes)) attributes[key] = String(value);
    const line = parser.line;
    const element: XmlElement = { name, attributes, children: [], text: '', line };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  const addText = (text: string) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined && open.length === 0) ready.push(element);
  });
  const check = () => {
    if (failure !== undefined) {
      throw new ListError(file, parser.line, `not readable as XML: ${failure.message}`);
    }
  };
  for await (const chunk of createReadStream(file, 'utf8')) {
    parser.write(String(chunk));
    check();
    const found = ready;
    ready = [];
    yield* found;
  }
  parser.close();
  check();
  yield* ready;
}

export function child(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((one) => one.name === name);
}

export function children(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((one) => one.name === name);
}

/** The text of a child, trimmed; empty where it is absent or empty. */
export function textOf(element: XmlElement, name: string): string {
  return child(element, name)?.text.trim() ?? '';
}

/** All elements of a name below another, at any depth. */
export function descendants(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((one) => [
    ...(one.name === name ? [one] : []),
    ...descendants(one, name),
  ]);
}
