import type { ComplianceFigure, ComplianceReport } from '@quittance/contract';
import { formatBtc } from '@quittance/kernel';

const HEADER = ['figure', 'currency', 'count', 'sum_btc', 'average_btc', 'sum', 'average', 'rows'];

/** The report as a CSV file (RFC 4180). */
export function reportCsv(report: ComplianceReport): string {
  const lines = [HEADER, ...report.figures.map(cellsOf)];
  return lines.map((cells) => `${cells.map(quote).join(',')}\r\n`).join('');
}

/** Nothing here comes from a stranger: names of figures, numbers, codes of currencies, our own links. */
function quote(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

function cellsOf(figure: ComplianceFigure): string[] {
  const { currency, count, sats, averageSats, amount, averageAmount, rows } = figure;
  return [
    ...[figure.figure, currency ?? '', String(count), btc(sats), btc(averageSats)],
    ...[amount ?? '', averageAmount ?? '', rows],
  ];
}

function btc(sats: string | null): string {
  return sats === null ? '' : formatBtc(BigInt(sats));
}

const MARGIN = 50;
const LINE = 16;
/** Where the columns begin or, for numbers, end. */
const COLUMNS = [
  { title: 'Figure', x: 50, width: 150, align: 'left' },
  { title: 'Count', x: 200, width: 55, align: 'right' },
  { title: 'Sum BTC', x: 255, width: 100, align: 'right' },
  { title: 'Average BTC', x: 355, width: 90, align: 'right' },
  { title: 'Sum', x: 445, width: 100, align: 'right' },
] as const;

/** The report as a PDF file, A4. The same report gives the same figures on the same places. */
export async function reportPdf(report: ComplianceReport, store: string): Promise<Buffer> {
  // Loaded when it is asked for: it is large, and most processes print nothing.
  const { default: PDFDocument } = await import('pdfkit');
  const document = new PDFDocument({
    ...{ size: 'A4', margin: MARGIN, bufferPages: true },
    info: { Title: 'Compliance report', CreationDate: new Date(report.generatedAt) },
  });
  const parts: Buffer[] = [];
  document.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise<void>((resolve, reject) => {
    document.on('end', resolve).on('error', reject);
  });
  const bold = () => document.font('Helvetica-Bold');
  const plain = () => document.font('Helvetica');
  bold().fontSize(16).text('Compliance report');
  plain().fontSize(10).text(latin(store));
  document.text(`${report.from} to ${report.to}, made ${report.generatedAt}`).moveDown();
  const row = (cells: readonly string[]) => {
    if (document.y > document.page.height - MARGIN - LINE * 2) document.addPage();
    const { y } = document;
    COLUMNS.forEach(({ x, width, align }, at) => {
      document.text(latin(cells[at] ?? ''), x, y, { width, align, lineBreak: false });
    });
    document.x = MARGIN;
    document.y = y + LINE;
  };
  bold().fontSize(9);
  row(COLUMNS.map(({ title }) => title));
  plain();
  for (const figure of report.figures) {
    const { currency, count, sats, averageSats, amount } = figure;
    const name = currency === null ? figure.figure : `${figure.figure} (${currency})`;
    row([name, String(count), btc(sats), btc(averageSats), amount ?? '']);
  }
  document.moveDown().fontSize(8);
  for (const note of report.notes) document.text(latin(note), MARGIN, document.y);
  const { start, count } = document.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    document.switchToPage(page);
    const y = document.page.height - MARGIN - LINE;
    document.text(`Page ${page - start + 1} of ${count}`, MARGIN, y, { lineBreak: false });
  }
  document.end();
  await ended;
  return Buffer.concat(parts);
}

/** The fonts that every reader has know Latin-1 only. */
function latin(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff]/gu, '?');
}
