import { join } from 'node:path';
import type { Network } from '@quittance/bitcoin';
import type { HDKey } from '@scure/bip32';
import type { RefusedEvent } from './audit/entry.ts';
import { type AuditLog, openLog } from './audit/log.ts';
import { usage } from './audit/state.ts';
import { readSignRequest, type SignRequest } from './checks/request.ts';
import { decide, readPsbt, uncheckedOutputs } from './decide.ts';
import { displayHash } from '@quittance/bitcoin';
import { SignerSetupError } from './errors.ts';
import { armFaultPoint, faultPoint } from './faults.ts';
import { privateFolder, readIfThere, renameDurably, replaceFile, writeDurably } from './files.ts';
import { lockFolder } from './lock.ts';
import { parsePolicyBody, type Policy, type PolicyBody, type PolicyFile } from './policy/policy.ts';
import { type Description, MAX_AUDIT_TAIL, PROTOCOL_VERSION, type SignResult } from './protocol.ts';
import { signTransaction } from './psbt/signing.ts';
import type { Psbt } from './psbt/psbt.ts';
import { Refusal } from './refusals.ts';
import { derive } from './vault/kdf.ts';
import { masterKey } from './vault/root-key.ts';
import { bodyHash, openSealed, sealBody, type SealedKind } from './vault/sealed-file.ts';
import { openVault, type Unlocker, vaultHeader, wipeSecrets } from './vault/vault.ts';
import { openWallets, thresholdOf, type Wallet, type WalletsBody } from './wallets.ts';

export const VERSION = '0.1.0';

/** Files of a signer's folder. */
export function pathsOf(folder: string) {
  return {
    vault: join(folder, 'vault.json'),
    policy: join(folder, 'policy.json'),
    wallets: join(folder, 'wallets.json'),
    audit: join(folder, 'audit'),
    socket: join(folder, 'socket', 'signer.sock'),
  };
}

/** An unlocked folder: what commands and the running signer have in common. */
export interface OpenFolder {
  readonly network: Network;
  readonly log: AuditLog;
  readonly policy: { revision: number; policy: Policy; file: PolicyFile };
  readonly walletsBody: WalletsBody;
  readonly wallets: readonly Wallet[];
  /** The master key while `use` runs; wiped after. */
  withMaster<T>(use: (master: HDKey) => T): T;
  /** Puts a new policy or list of wallets in force: sealed, logged, durable. */
  install(body: PolicyBody | WalletsBody, nowMs: number): void;
  close(): void;
}

export type OpenOptions = {
  folder: string;
  unlocker: Unlocker;
  /** When other than the log's own; for tests of long logs. */
  segmentBytes?: number;
  /** Keeps what opens the vault's root, for commands that derive new wallets. */
  keepRoot?: boolean;
};

/**
 * Unlocks a folder, takes its lock, reads and checks everything in it.
 * @throws {SignerSetupError} with what is wrong and what to do
 */
export async function openFolder(options: OpenOptions): Promise<OpenFolder> {
  const { folder, unlocker } = options;
  const paths = pathsOf(folder);
  const sealed = readIfThere(paths.vault);
  if (sealed === null) {
    throw new SignerSetupError(`there is no vault in ${folder}: make one with "signer init"`);
  }
  privateFolder(folder);
  const text = Buffer.from(sealed).toString('utf8');
  const { network } = vaultHeader(text);
  const problem = armFaultPoint(process.env, network);
  if (problem !== null) throw new SignerSetupError(problem);
  const secrets = openVault(text, unlocker);
  const fileKey = derive(secrets.authKey, new Uint8Array(), 'files');
  const logKey = derive(secrets.authKey, new Uint8Array(), 'log');
  const release = await lockFolder(folder);
  let log: AuditLog | undefined;
  try {
    const { segmentBytes } = options;
    log = await openLog(paths.audit, {
      key: logKey,
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    });
    const { state } = log;
    const policyBody = readInForce('policy', paths.policy, { key: fileKey, hash: state.policy });
    const body = readInForce('wallets', paths.wallets, { key: fileKey, hash: state.wallets });
    const withMaster = <T>(use: (master: HDKey) => T): T => {
      const master = masterKey(secrets.root, network);
      try {
        return use(master);
      } finally {
        master.wipePrivateData();
      }
    };
    const wallets = withMaster((master) => openWallets(body, { master, network }));
    const policy = parsePolicyBody(policyBody, network);
    const opened = log;
    if (options.keepRoot !== true) wipeSecrets(secrets);
    return {
      ...{ network, log: opened, policy, wallets, walletsBody: body as WalletsBody },
      withMaster,
      install(installed, nowMs) {
        install({ paths, body: installed, key: fileKey, log: opened, nowMs });
      },
      close() {
        wipeSecrets(secrets);
        for (const { account } of wallets) account.wipePrivateData();
        opened.close();
        release();
      },
    };
  } catch (error) {
    wipeSecrets(secrets);
    log?.close();
    release();
    throw error;
  }
}

/**
 * Prepared file, then the entry in the log, then the file in its place. After a crash in between the
 * log says which of the two is in force.
 */
function install(context: {
  paths: ReturnType<typeof pathsOf>;
  body: PolicyBody | WalletsBody;
  key: Uint8Array;
  log: AuditLog;
  nowMs: number;
}): void {
  const { paths, body, key, log, nowMs } = context;
  const kind = 'wallets' in body ? 'wallets' : 'policy';
  const path = paths[kind];
  writeDurably(`${path}.next`, sealBody(kind, body, key));
  faultPoint('signer:policy-prepared');
  const { revision } = body;
  if ('wallets' in body) {
    const names = body.wallets.map(({ name }) => name);
    log.append({ method: 'wallets', wallets: bodyHash(body), revision, names }, nowMs);
  } else log.append({ method: 'policy', policy: bodyHash(body), revision }, nowMs);
  faultPoint('signer:policy-logged');
  renameDurably(`${path}.next`, path);
}

/** The body that the log names: of the file, or of the one that was about to replace it. */
function readInForce(
  kind: SealedKind,
  path: string,
  { key, hash }: { key: Uint8Array; hash: string | null },
): unknown {
  for (const candidate of [path, `${path}.next`]) {
    const bytes = readIfThere(candidate);
    if (bytes === null) continue;
    if (candidate !== path) {
      // A torn file that was never in force must not stop the start.
      try {
        const body = openSealed(kind, bytes, { key, path: candidate });
        if (bodyHash(body) !== hash) continue;
        replaceFile(path, bytes);
        return body;
      } catch {
        continue;
      }
    }
    const body = openSealed(kind, bytes, { key, path: candidate });
    if (bodyHash(body) === hash) return body;
  }
  throw new SignerSetupError(
    `${path} is missing, or is not the one that was put in force last (the log names another): put ` +
      'the right one back; an old one must not come back by itself',
  );
}

/** The signer at work, without its socket. */
export interface Signer {
  describe(): Description;
  sign(params: unknown): SignResult;
  auditTail(params: unknown): { lines: readonly string[] };
  ping(): { pong: true; nowMs: number };
  stop(): void;
}

/** Outputs of a refused request that are written down: enough to see what was tried. */
const MAX_REFUSED_OUTPUTS = 20;
const MAX_REASON_LENGTH = 300;
/**
 * Refusals that are written down in a minute: some 10 MB. A server that asks more nonsense than
 * that must not fill the disk; what follows is counted only.
 */
const MAX_REFUSALS_PER_MINUTE = 3_000;

/** Begins to work; the start is logged. */
export function startSigner(folder: OpenFolder, { nowMs }: { nowMs: () => number }): Signer {
  const { network, log, wallets, policy } = folder;
  log.append(
    {
      method: 'start',
      version: VERSION,
      policy: log.state.policy ?? '',
      wallets: log.state.wallets ?? '',
      ...(log.tornBytes > 0 ? { tornBytes: log.tornBytes } : {}),
    },
    nowMs(),
  );

  let minute = 0;
  let refusals = 0;

  function sign(params: unknown): SignResult {
    const thisMinute = Math.floor(nowMs() / 60_000);
    if (thisMinute !== minute) [minute, refusals] = [thisMinute, 0];
    if (refusals >= MAX_REFUSALS_PER_MINUTE) {
      log.countRead('sign, refused unread');
      throw new Refusal(
        'too_many_requests',
        'too much was refused in this minute; wait for the next',
      );
    }
    let request: SignRequest | null = null;
    let psbt: Psbt | null = null;
    const now = nowMs();
    try {
      request = readSignRequest(params);
      psbt = readPsbt(request.psbt);
      const grounds = { network, wallets, policy: policy.policy, state: log.state, nowMs: now };
      const verdict = decide(request, psbt, grounds);
      const result = signTransaction(psbt, verdict);
      // From here on the signature may get out, so the disk must know of it first.
      faultPoint('signer:before-log');
      log.append({ ...verdict.event, complete: result.complete }, now);
      faultPoint('signer:after-log');
      return result;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals += 1;
      if (error.code !== 'log_unavailable') log.append(refusedEvent(error, request, psbt), now);
      throw error;
    }
  }

  return {
    sign,
    describe() {
      log.countRead('describe');
      return description(folder, nowMs());
    },
    auditTail(params) {
      log.countRead('audit-tail');
      const { limit = MAX_AUDIT_TAIL } = Object(params) as { limit?: unknown };
      const isRight =
        typeof limit === 'number' &&
        Number.isInteger(limit) &&
        limit >= 1 &&
        limit <= MAX_AUDIT_TAIL;
      if (!isRight) throw new Refusal('request_malformed', 'limit is from 1 to 200');
      return { lines: log.tail(limit) };
    },
    ping() {
      log.countRead('ping');
      return { pong: true, nowMs: nowMs() };
    },
    stop() {
      log.append({ method: 'stop' }, nowMs());
      folder.close();
    },
  };
}

function refusedEvent(
  { code, message }: Refusal,
  request: SignRequest | null,
  psbt: Psbt | null,
): RefusedEvent {
  return {
    method: 'sign',
    decision: 'refused',
    code,
    reason: message.slice(0, MAX_REASON_LENGTH),
    requestId: request?.requestId ?? null,
    wallet: request?.wallet ?? null,
    kind: request?.kind ?? null,
    payoutIds: (request?.payouts ?? []).slice(0, MAX_REFUSED_OUTPUTS).map((each) => each.payoutId),
    txid: psbt === null ? null : displayHash(psbt.unsigned.txid),
    outputs: psbt === null ? [] : uncheckedOutputs(psbt, MAX_REFUSED_OUTPUTS),
  };
}

function description({ network, wallets, policy, log }: OpenFolder, nowMs: number): Description {
  const { revision, file } = policy;
  return {
    version: VERSION,
    protocol: PROTOCOL_VERSION,
    network,
    locked: false,
    wallets: wallets.map(({ name, descriptor }) => ({
      ...{ name, network, descriptor: descriptor.text, kind: descriptor.kind },
      threshold: thresholdOf(descriptor),
      nextChangeIndex: (log.state.changeIndexes.get(name) ?? -1) + 1,
    })),
    policy: {
      revision,
      approvers: file.approvers.map(({ id, publicKey, maxSatsPerPayout = null }) => ({
        ...{ id, publicKey, maxSatsPerPayout },
      })),
      rules: file.rules,
      maxFeeRateSatPerVb: file.maxFeeRateSatPerVb,
      maxFeeSats: file.maxFeeSats,
      maxFeeShareBps: file.maxFeeShareBps,
      perPayoutMaxSats: file.perPayoutMaxSats,
      maxInputs: file.maxInputs,
      maxOutputs: file.maxOutputs,
      allowList: file.allow?.length ?? null,
      denyList: file.deny.length,
    },
    windows: policy.policy.windows.map(({ seconds, maxSats, maxCount }) => {
      const used = usage(log.state, { nowMs, seconds });
      const leftSats = maxSats > used.sats ? maxSats - used.sats : 0n;
      return {
        ...{ seconds, maxCount, maxSats: String(maxSats), leftSats: String(leftSats) },
        leftCount: Math.max(0, maxCount - used.count),
      };
    }),
    log: { entries: log.entries, head: log.head },
  };
}
