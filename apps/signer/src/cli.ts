import {
  runAddWallet,
  runChangePassphrase,
  runNewApprover,
  runPolicy,
  runShow,
} from './cli/change.ts';
import { runInit, runRestore } from './cli/make-vault.ts';
import { UsageError } from './cli/options.ts';
import { bugReport } from './cli/output.ts';
import { runStart, runVerifyLog } from './cli/run.ts';
import { SignerSetupError } from './errors.ts';

export const HELP = `quittance signer COMMAND --dir DIR [OPTIONS]

The only holder of spending keys: a process of its own behind a local socket. It checks every
transaction by itself and keeps to a policy that the server can't change. See apps/signer/README.md.

  init --network N              make a vault with a new seed; the words are shown once
    --seed-file FILE              write the words there instead (0600)
    --print-seed                  show them although the output is no terminal
  restore --network N           make a vault from words or an xprv (asked for, or --words-file)
    --bip39-passphrase-file FILE  the words' own passphrase, where they have one
  add-wallet --name NAME        a wallet of the seed; prints its public descriptor
    --type wpkh|tr|sh-wpkh  --account N  --first-change-index N
    --descriptor TEXT             any descriptor in which one key is ours, such as a multisig
  new-approver --out FILE       a key that approves payouts; prints its id and public key
  policy show                   print the policy
  policy set FILE               put another in force
  policy add-approver ID KEY    let a key approve payouts, as new-approver printed it (--max-sats N)
  start                         unlock and listen (--socket PATH, --group GID)
  show                          wallets, our key for multisigs, policy
  verify-log                    check the audit log from its first entry (--without-key)
  change-passphrase             (--new-passphrase-file FILE, --new-key-file FILE)

The vault is opened with a passphrase, typed or given by --passphrase-file FILE or
--passphrase-fd N (0 is standard input), or with --key-file FILE (--new-key-file makes one).
DIR may be given as QUITTANCE_SIGNER_DIR. Commands that change something need the signer stopped.`;

const commands: Readonly<
  Record<string, (args: readonly string[], nowMs: number) => Promise<void> | void>
> = {
  init: runInit,
  restore: runRestore,
  'add-wallet': runAddWallet,
  'new-approver': runNewApprover,
  policy: runPolicy,
  start: runStart,
  show: runShow,
  'verify-log': runVerifyLog,
  'change-passphrase': runChangePassphrase,
};

const USAGE_ERROR = 2;

/**
 * `quittance signer …`.
 * @returns the exit status
 */
export async function runSigner(args: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = args;
  const isHelp = ['--help', '-h', 'help'].includes(name) || rest.includes('--help');
  if (isHelp) {
    console.log(HELP);
    return args.length === 0 ? USAGE_ERROR : 0;
  }
  if (process.platform === 'win32') {
    console.error('quittance signer: Windows is not supported: it lacks private unix sockets');
    return 1;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`quittance signer: there is no command "${name}"; see --help`);
    return USAGE_ERROR;
  }
  process.umask(0o077);
  try {
    await command(rest, Date.now());
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`quittance signer ${name}: ${error.message}`);
      return USAGE_ERROR;
    }
    if (error instanceof SignerSetupError) {
      console.error(`quittance signer ${name}: ${error.message}`);
      return 1;
    }
    console.error(bugReport(error));
    return 1;
  }
}
