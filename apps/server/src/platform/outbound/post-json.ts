import { checkOutboundUrl, type UrlPolicy } from './address-guard.ts';
import { AddressRefusedError, type Resolve } from './connect.ts';
import { openGuardedAgent } from './guarded-agent.ts';
import { readBounded } from './read-bounded.ts';

export type PostAnswer =
  | { readonly ok: true; readonly status: number; readonly body: string }
  /** Whether it was sent before it failed can't be known. */
  | { readonly ok: false; readonly reason: string };

export type OutboundPoster = {
  /** Sends JSON to a web address and reads the answer. No redirects; never throws. */
  post(url: string, sent: { headers: Record<string, string>; body: string }): Promise<PostAnswer>;
  close(): Promise<void>;
};

const CONNECT_MS = 5_000;
/** A person may be waiting for it. */
const TOTAL_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;
const MAX_REASON_LENGTH = 300;

/** Opens a sender to other people's servers: public addresses only, bounded time and size. */
export function openOutboundPoster(options: {
  policy: UrlPolicy;
  resolve?: Resolve | undefined;
  ca?: string | undefined;
}): OutboundPoster {
  const { policy, resolve, ca } = options;
  const limits = { connectMs: CONNECT_MS, totalMs: TOTAL_MS };
  const agent = openGuardedAgent(policy, { ...limits, resolve, ca });
  return {
    async post(url, { headers, body }) {
      const checked = checkOutboundUrl(url, policy);
      if (!checked.ok) return failed(`the address is refused: ${checked.reason}`);
      try {
        const answer = await agent.request({
          origin: checked.url.origin,
          path: checked.url.pathname + checked.url.search,
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'Quittance/1' },
          body,
          signal: AbortSignal.timeout(TOTAL_MS),
        });
        const read = await readBounded(answer.body, MAX_ANSWER_BYTES);
        if (read === null) return failed('it answers too much');
        return { ok: true, status: answer.statusCode, body: read.toString('utf8') };
      } catch (error) {
        return failed(reasonOf(error));
      }
    },
    close: () => agent.destroy(),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof AddressRefusedError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it has not answered in time';
  const code = 'code' in error ? String(error.code) : '';
  return error.message === '' ? code : error.message;
}

function failed(reason: string): PostAnswer {
  return { ok: false, reason: reason.slice(0, MAX_REASON_LENGTH) };
}
