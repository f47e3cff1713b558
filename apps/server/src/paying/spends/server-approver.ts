import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type ApprovalTerms,
  type Approver,
  generateApprover,
  loadApprover,
  signApproval,
} from '@quittance/signer/client';
import type { Approval } from './spend.ts';

/** The server's own word for payouts that need nobody else's (ADR 0009). */
export type ServerApprover = Pick<Approver, 'id' | 'publicKey'> & {
  approve(terms: ApprovalTerms): Approval;
};

const PRIVATE_KEY = /^[0-9a-f]{64}$/;

/**
 * Opens the key with which this server approves payouts, and makes it at the first start. It is not
 * a spending key: what it approves, the signer's policy bounds. Processes that share the file have
 * one key between them.
 * @throws {Error} when the file can not be made or holds something else
 */
export function openServerApprover(file: string): ServerApprover {
  const approver = loadApprover(readKey(file) ?? makeKey(file));
  return {
    id: approver.id,
    publicKey: approver.publicKey,
    approve: (terms) => signApproval(approver, terms),
  };
}

function readKey(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  if (!PRIVATE_KEY.test(text)) throw new Error(`${file} holds no approver's key`);
  return text;
}

/** Written whole before it has its name, and the name is taken once: nobody reads half a key. */
function makeKey(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}.new`;
  const { privateKey } = generateApprover();
  writeFileSync(own, `${privateKey}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(own, file);
    return privateKey;
  } catch (error) {
    // Another process of ours was quicker: its key is the one.
    const made = readKey(file);
    if (made === null) throw error;
    return made;
  } finally {
    rmSync(own, { force: true });
  }
}
