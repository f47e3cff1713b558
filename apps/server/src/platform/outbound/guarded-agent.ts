import { Agent } from 'undici';
import type { UrlPolicy } from './address-guard.ts';
import { guardedConnector, type Resolve } from './connect.ts';

const MAX_HEADER_BYTES = 16_384;

/**
 * Connections to other people's servers: only to addresses that the policy allows, one request at a
 * time on each, headers and time bounded. What a body may hold is for the caller to bound.
 */
export function openGuardedAgent(
  policy: UrlPolicy,
  given: {
    connectMs: number;
    totalMs: number;
    resolve?: Resolve | undefined;
    /** Certificates to trust instead of the system's, as PEM. */
    ca?: string | undefined;
  },
): Agent {
  const { connectMs, totalMs, resolve, ca } = given;
  return new Agent({
    connect: guardedConnector(policy, { timeoutMs: connectMs, resolve, ca }),
    headersTimeout: totalMs,
    bodyTimeout: totalMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    pipelining: 1,
    allowH2: false,
  });
}
