import type { FilingFacts } from '@quittance/contract';
import { SaxesParser } from 'saxes';

type Node = { name: string; attributes: Record<string, string>; children: Node[]; text: string };

/**
 * Reads a document back with another program than wrote it and says what is wrong with it beyond
 * what a schema can know: numbers, counts, sums, and whether all of the facts have arrived.
 */
export function auditFiling(facts: FilingFacts, xml: string): string[] {
  const root = parse(xml);
  if (facts.kind === 'goaml') return auditGoaml(facts, root);
  const faults = auditBatch(facts, root);
  return [...faults, ...(facts.kind === 'sar' ? auditSar(facts, root) : auditCtr(root))];
}

function auditBatch(facts: FilingFacts, root: Node): string[] {
  const faults: string[] = [];
  const numbers = all(root).flatMap(({ attributes }) => attributes['SeqNum'] ?? []);
  if (new Set(numbers).size !== numbers.length) faults.push('a sequence number is there twice');
  if (numbers.some((number) => !/^[1-9][0-9]*$/.test(number))) faults.push('a number is none');
  const people = facts.kind === 'sar' ? ['33'] : ['50', '17', '23', '58'];
  const parties = named(root, 'Activity')[0]?.children.filter(({ name }) => name === 'Party') ?? [];
  const about = parties.filter((party) => people.includes(textOf(party, 'ActivityPartyTypeCode')));
  expectEqual(faults, 'PartyCount', root.attributes['PartyCount'], String(about.length));
  const activities = named(root, 'Activity').length;
  expectEqual(faults, 'ActivityCount', root.attributes['ActivityCount'], String(activities));
  const summed = facts.kind === 'sar' ? 'TotalSuspiciousAmountText' : 'DetailTransactionAmountText';
  const total = named(root, summed).reduce((sum, { text }) => sum + BigInt(text), 0n);
  expectEqual(faults, 'TotalAmount', root.attributes['TotalAmount'], String(total));
  for (const { name, text } of all(root)) {
    if (text !== text.trim() || /[\t\r\n]/.test(text)) faults.push(`${name} has spaces about it`);
  }
  return faults;
}

function auditSar(facts: FilingFacts & { kind: 'sar' }, root: Node): string[] {
  const faults: string[] = [];
  const parts = named(root, 'ActivityNarrativeInformation');
  const texts = parts.map((part) => textOf(part, 'ActivityNarrativeText'));
  const order = parts.map((part) => textOf(part, 'ActivityNarrativeSequenceNumber')).join();
  expectEqual(faults, 'order of the narrative', order, texts.map((_, at) => at + 1).join());
  if (texts.length > 5 || texts.some((text) => [...text].length > 4_000)) faults.push('too long');
  // Spaces at a cut and unfit characters aside, it is the narrative, whole and in order.
  expectEqual(faults, 'narrative', letters(texts.join('')), letters(facts.narrative));
  const { amountUsd } = facts.activity;
  if (typeof amountUsd === 'string') {
    const [filed = ''] = named(root, 'TotalSuspiciousAmountText').map(({ text }) => text);
    const difference = Number(filed) - Number(amountUsd);
    if (difference < 0 || difference >= 1) faults.push(`${amountUsd} is filed as ${filed}`);
  }
  return faults;
}

function auditCtr(root: Node): string[] {
  const faults: string[] = [];
  const incoming = ['55', '46', '23', '12', '14', '49', '997'];
  const outgoing = ['56', '30', '32', '13', '15', '48', '998'];
  const sum = (codes: string[]) =>
    named(root, 'CurrencyTransactionActivityDetail')
      .filter((one) => codes.includes(textOf(one, 'CurrencyTransactionActivityDetailTypeCode')))
      .reduce((total, one) => total + BigInt(textOf(one, 'DetailTransactionAmountText')), 0n);
  const filed = (name: string) => BigInt(named(root, name)[0]?.text || '0');
  if (filed('TotalCashInReceiveAmountText') !== sum(incoming)) faults.push('cash in: wrong total');
  if (filed('TotalCashOutAmountText') !== sum(outgoing)) faults.push('cash out: wrong total');
  return faults;
}

function auditGoaml(facts: FilingFacts & { kind: 'goaml' }, root: Node): string[] {
  const faults: string[] = [];
  const { transactions, narrative } = facts;
  const found = named(root, 'transaction').length;
  expectEqual(faults, 'transactions', String(found), String(transactions.length));
  const reason = root.children.find(({ name }) => name === 'reason')?.text ?? '';
  expectEqual(faults, 'reason', letters(reason), letters(narrative));
  const accounts = new Set(named(root, 'account').map(({ text }) => text));
  for (const { wallet } of transactions.flatMap(({ from, to }) => [from, to])) {
    if (wallet !== undefined && !accounts.has(wallet)) faults.push(`${wallet} is missing`);
  }
  return faults;
}

function expectEqual(faults: string[], what: string, found: string | undefined, wanted: string) {
  if (found !== wanted) {
    faults.push(`${what}: ${found?.slice(0, 100)} instead of ${wanted.slice(0, 100)}`);
  }
}

/** What a reader reads: letters, digits, signs; nothing of spaces, controls and their stand-in. */
function letters(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\ufffd\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cc}]/gu, '');
}

function parse(xml: string): Node {
  const parser = new SaxesParser({ xmlns: true });
  const root: Node = { name: '', attributes: {}, children: [], text: '' };
  const open: Node[] = [root];
  parser.on('opentag', ({ local, attributes }) => {
    const plain = Object.entries(attributes).map(([name, { value }]) => [name, value] as const);
    const node = { name: local, attributes: Object.fromEntries(plain), children: [], text: '' };
    open.at(-1)?.children.push(node);
    open.push(node);
  });
  parser.on('text', (text) => {
    const node = open.at(-1);
    if (node !== undefined) node.text += text;
  });
  parser.on('closetag', () => {
    const node = open.pop();
    // Between elements there is only indentation.
    if (node !== undefined && node.children.length > 0) node.text = '';
  });
  parser.write(xml).close();
  const [document] = root.children;
  if (document === undefined) throw new Error('an empty document');
  return document;
}

function all(node: Node): Node[] {
  return [node, ...node.children.flatMap(all)];
}

function named(node: Node, name: string): Node[] {
  return all(node).filter((one) => one.name === name);
}

function textOf(node: Node, child: string): string {
  return node.children.find(({ name }) => name === child)?.text ?? '';
}
