import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Exit status of a command line that is not understood, as of most Unix programs. */
const USAGE_ERROR = 2;

interface Command {
  summary: string;
  help: string;
  /** Module that holds the command, loaded only when it is called, relative to this file. */
  module: string;
  /** Function of that module: gets the arguments after the command's name. */
  run: string;
}

/** In the order in which somebody new needs them. */
const commands: Readonly<Record<string, Command>> = {
  demo: {
    summary: 'a shop, a Bitcoin node on regtest and a database: everything, for a look',
    help: `quittance demo [--once [--lightning]] [--fast] [--json] [--port N] [--data DIR]

Starts everything on this machine and keeps it up until ctrl-c.
  --once      pay one order through the node, print each step, end with a line of JSON
  --lightning with --once: pay by Lightning, over a real channel between two nodes
  --fast      mine at once instead of waiting for the payer's click
  --json      one JSON object a line instead of prose; the first says where everything is
  --port N    the port of the shop and the API (default: any free one)
  --data DIR  keep the data there (default: a temporary folder)`,
    module: './processes/demo.ts',
    run: 'runDemo',
  },
  start: {
    summary: 'the server, for real use',
    help: `quittance start [--config FILE]

Starts the server as the configuration file and the environment say.
"quittance doctor" tells what is missing.`,
    module: './processes/start.ts',
    run: 'runStart',
  },
  doctor: {
    summary: 'check the configuration, the database and the node',
    help: `quittance doctor [--config FILE]

Checks everything that "start" needs and says what is missing. Changes nothing.`,
    module: './processes/doctor.ts',
    run: 'runDoctor',
  },
  migrate: {
    summary: 'bring the database to the newest schema',
    help: `quittance migrate [--config FILE]

Applies the migrations that the database lacks. "start" does it too.`,
    module: './processes/migrate.ts',
    run: 'runMigrate',
  },
  signer: {
    summary: 'the process that holds the spending keys: make, start, change it',
    help: 'quittance signer --help tells more (the launcher starts it as a program of its own)',
    module: '../../signer/src/cli.ts',
    run: 'runSigner',
  },
  ledger: {
    summary: 'verify the ledger',
    help: `quittance ledger verify [--config FILE]

Recomputes the hash chain of the journal and every balance, and names the first row that does not
fit. Exit status 1 when there is one.`,
    module: './processes/ledger.ts',
    run: 'runLedger',
  },
  cases: {
    summary: 'verify the logs of compliance cases',
    help: `quittance cases verify [--config FILE]

Recomputes the hash chain of every case's log and what it adds up to, and names the first entry of
each case that does not fit. Note the digest of each store elsewhere: compared later, it tells
whether anything before was rewritten. Exit status 1 when anything does not fit.`,
    module: './processes/cases.ts',
    run: 'runCases',
  },
  reconcile: {
    summary: 'compare every book with its coins',
    help: `quittance reconcile [--node] [--config FILE]

Compares, store by store and transaction by transaction, what the book says the wallets hold with
the coins that they do hold. With --node also with the node's own set of coins: the node takes
minutes for each store on the main network. Names what does not fit. Exit status 1 when anything
does not, or can not be read.`,
    module: './processes/reconcile.ts',
    run: 'runReconcile',
  },
  restored: {
    summary: 'after a restore of the database: hold payouts, and let them go on',
    help: `quittance restored [--release] [--config FILE]

Run it once after the database was restored from a backup, before "start". It holds everything that
pays out, derives change addresses far ahead, so that what was paid since the backup is found, and
puts events in order.
  --release  payouts may go on: everything is reconciled, and what was paid since is known`,
    module: './processes/restored.ts',
    run: 'runRestored',
  },
  screening: {
    summary: 'sanction lists: import them, check names and addresses',
    help: `quittance screening import FORMAT FILE... [--data DIR]
quittance screening score-pairs FILE.csv [--explain]
quittance screening check FILE.csv [--data DIR] [--explain]
quittance screening check-addresses FILE [--data DIR]

Works without a server, on lists in files of its own.
  import           reads a list and puts it in the place of its older version. FORMAT is
                   ofac-sdn-csv (sdn, alt, add, sdn_comments together), ofac-advanced-xml, un-xml,
                   eu-csv, ftm (OpenSanctions), senzing (PEPs), tagpack (GraphSense) or addresses
                   (one in a line). What can not be read is told with file and line.
  score-pairs      columns schema, name1, name2: prints the rows with score (0 to 1) and match
  check            columns full_name and, where they are there, date_of_birth, nationality, gender,
                   schema: prints the rows with the best score, entry_id, list, listed_name, match
  check-addresses  one address in a line: prints which lists have it
  --data DIR       where the lists are kept: DIR/screening (default: ~/.quittance)
  --explain        one column more: the parts that add up to the score`,
    module: './processes/screening.ts',
    run: 'runScreening',
  },
  filings: {
    summary: 'made-up reports for authorities, to try what reads them',
    help: `quittance filings sample --kind sar|ctr|goaml --count N --seed S --out DIR [--schemas DIR]

Writes N made-up reports with hostile texts in them into DIR, the same for the same seed, each as
the authority would get it: FinCEN's batch file for sar and ctr, goAML's XML. Works without a server.
  --schemas DIR  check them with the authorities' XSDs in DIR (FinCEN's and goAML's own file names)`,
    module: './processes/filings.ts',
    run: 'runFilings',
  },
  test: {
    summary: 'all checks and tests, or one randomised suite',
    help: `quittance test
quittance test SUITE [--runs N] [--seed S]

Without SUITE: all checks and tests; ends with "N passed, N failed".
With SUITE: that randomised suite, as long and with the seed you want; ends with a line of JSON.
Exit status 1 when anything failed.`,
    module: '../../../tools/test.ts',
    run: 'runTest',
  },
  bench: {
    summary: 'measure against rivals and limits, side by side',
    help: `quittance bench [NAME]

Prints a table of ratios measured in one run and writes them as JSON to bench/results.`,
    module: '../../../bench/run.ts',
    run: 'runBench',
  },
};

const names = Object.keys(commands);

function usage(): string {
  const list = names.map((name) => `  ${name.padEnd(9)}  ${commands[name]?.summary ?? ''}`);
  return `quittance: self-hosted Bitcoin payments

usage: quittance COMMAND [OPTIONS]

${list.join('\n')}

quittance COMMAND --help tells more; quittance --version tells the version.`;
}

/**
 * Runs one command line.
 * @returns the exit status
 */
async function main(args: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (['--help', '-h', 'help'].includes(name)) {
    console.log(usage());
    return args.length === 0 ? USAGE_ERROR : 0;
  }
  if (['--version', '-v'].includes(name)) {
    console.log(version());
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`quittance: there is no command "${name}"; it is one of: ${names.join(', ')}`);
    return USAGE_ERROR;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  return runCommand(name, command, rest);
}

async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
): Promise<number> {
  const file = fileURLToPath(new URL(command.module, import.meta.url));
  if (!existsSync(file)) {
    console.error(`quittance: the command "${name}" is not built yet`);
    return USAGE_ERROR;
  }
  const loaded: unknown = await import(pathToFileURL(file).href);
  const run = (loaded as Record<string, unknown>)[command.run];
  if (typeof run !== 'function') throw new Error(`${command.module} exports no ${command.run}`);
  try {
    const status: unknown = await (run as (args: readonly string[]) => unknown)(args);
    return typeof status === 'number' ? status : 0;
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    console.error(`quittance ${name}: ${error.message}\n\n${command.help}`);
    return USAGE_ERROR;
  }
}

/** What parseArgs of node:util throws: ERR_PARSE_ARGS_UNKNOWN_OPTION and its relatives. */
function isArgumentError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' && error.code.startsWith('ERR_PARSE_ARGS_');
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  // A message that says what to do is enough for a person; the stack is for whoever asks for it.
  const debug = process.env['QUITTANCE_DEBUG'] !== undefined;
  const known = error instanceof Error && error.name !== 'Error' && error.name !== 'TypeError';
  if (known && !debug) console.error(`quittance: ${error.message}`);
  else console.error(error);
  return 1;
});
