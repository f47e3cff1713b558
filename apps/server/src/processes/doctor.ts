import { parseArgs } from 'node:util';
import { systemClock } from '@quittance/kernel';
import { type Config, ConfigError, loadConfig } from '../platform/config/index.ts';
import { redactText } from '../platform/log/index.ts';
import { checkBitcoin } from './doctor/bitcoin.ts';
import { checkDatabase } from './doctor/database.ts';
import { blocking, type Finding, reasonOf } from './doctor/finding.ts';
import { checkLightning } from './doctor/lightning.ts';
import { checkMail } from './doctor/mail.ts';
import { checkConfigFile, checkDataDir, checkNodeVersion, checkPorts } from './doctor/machine.ts';
import { checkSecretsKey } from './doctor/secrets.ts';
import { checkSigner } from './doctor/signer.ts';
import { checkPublicUrl, checkRates } from './doctor/world.ts';

export type DoctorSurroundings = {
  env: Readonly<Record<string, string | undefined>>;
  write: (text: string) => void;
};

const HELP = `Usage: ./quittance doctor [--config FILE] [--json]
Checks the configuration and everything that it points to. Changes nothing.
Exit status: 0 when nothing blocks, 1 when something does, 2 for wrong options.
`;
const SIGNS = { ok: '✓', warning: '!', blocking: '✗' } as const;

/**
 * Says what is missing before the server can take payments, one line a check.
 * @returns the exit status
 */
export async function runDoctor(
  args: readonly string[],
  { env, write }: DoctorSurroundings = { env: process.env, write: (t) => process.stdout.write(t) },
): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'string') {
    write(`${options}\n${HELP}`);
    return 2;
  }
  if (options.help) {
    write(HELP);
    return 0;
  }
  const findings: Finding[] = [];
  for await (const finding of examine(options.config, env)) {
    const safe = redactFinding(finding);
    findings.push(safe);
    if (!options.json) write(line(safe));
  }
  const blockers = findings.filter(({ level }) => level === 'blocking').length;
  if (options.json) write(`${JSON.stringify({ ok: blockers === 0, findings })}\n`);
  else write(blockers === 0 ? '\nNothing blocks.\n' : `\n${blockers} to be mended first.\n`);
  return blockers === 0 ? 0 : 1;
}

function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Yields findings as they are made, so that a person sees that something goes on. */
async function* examine(
  configPath: string | undefined,
  env: DoctorSurroundings['env'],
): AsyncGenerator<Finding> {
  yield checkNodeVersion(process.version);
  let config: Config;
  try {
    config = loadConfig({ configPath, env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { where, detail } of error.problems) {
      yield blocking('configuration', where, detail);
    }
    return;
  }
  const checks: [string, () => Promise<Finding[]>][] = [
    ['configuration', () => checkConfigFile(configPath ?? (env['QUITTANCE_CONFIG'] || undefined))],
    ['data folder', () => checkDataDir(config.dataDir)],
    ['port', () => checkPorts(config)],
    ['database', () => checkDatabase(config)],
    ['node', () => checkBitcoin(config, systemClock.nowMs())],
    ['signer', () => checkSigner(config)],
    ['secrets key', () => checkSecretsKey(config)],
    ['Lightning nodes', () => checkLightning(config)],
    ['rates', () => checkRates(config)],
    ['e-mail', () => checkMail(config)],
    ['public URL', () => checkPublicUrl(config)],
  ];
  for (const [name, check] of checks) {
    try {
      yield* await check();
    } catch (error) {
      yield blocking(name, `the check itself failed: ${reasonOf(error)}`, 'report this as a bug');
    }
  }
}

function redactFinding({ level, check, detail, action }: Finding): Finding {
  return {
    level,
    check,
    detail: redactText(detail),
    ...(action === undefined ? {} : { action: redactText(action) }),
  };
}

function line({ level, check, detail, action }: Finding): string {
  const todo = action === undefined ? '' : `\n  → ${action}`;
  return `${SIGNS[level]} ${check}: ${detail}${todo}\n`;
}
