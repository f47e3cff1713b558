import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Random } from '@quittance/kernel';
import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import { parseExactJson } from '../remote/exact-json.ts';
import { NotSentError } from '../remote/node-http.ts';
import type { NwcAccess } from './connection.ts';
import {
  conversationKey,
  DecryptionError,
  decryptNip04,
  decryptNip44,
  type Encryption,
  encryptNip04,
  encryptNip44,
  sharedX,
} from './encryption.ts';
import { isGenuine, kinds, type NostrEvent, publicKeyOf, signEvent, tagOf } from './nostr-event.ts';
import { connectRelay, type Relay } from './relay.ts';

/** A wallet service on a phone wakes up first; a hub answers within a second. */
export const CALL_TIMEOUT_MS = 30_000;
/** How long we wait for a relay before we say that nothing could be sent. */
const RELAY_TIMEOUT_MS = 10_000;
/** The info event lies at the relay; it comes at once, or there is none. */
const INFO_TIMEOUT_MS = 5_000;
/** Clocks differ: a request that is valid for less might be over before it arrives. */
const MIN_VALID_MS = 15_000;
/** Clocks differ: answers and notifications are asked for from a little earlier on. */
const SINCE_EARLIER_S = 60;

/** The wallet service answered with an error (NIP-47, "Error codes"). */
export class WalletRefusal extends LightningNodeError {
  readonly walletCode: string;
  constructor(walletCode: string, words: string) {
    const isAccess = walletCode === 'UNAUTHORIZED' || walletCode === 'RESTRICTED';
    const isMissing = walletCode === 'NOT_IMPLEMENTED' || walletCode === 'UNSUPPORTED_ENCRYPTION';
    super(
      isAccess ? 'unauthorized' : isMissing ? 'unsupported' : 'refused',
      `wallet service: ${walletCode}: ${words}`,
    );
    this.walletCode = walletCode;
  }
}

/** What the wallet service says of itself in its info event. */
export type WalletInfo = {
  readonly methods: readonly string[];
  readonly notifications: readonly string[];
  readonly encryption: Encryption;
};

export type RequestTimes = {
  /** How long we wait for the answer. */
  readonly timeoutMs?: number;
  /** How long the service may take it up; not shorter than the clocks of two machines differ. */
  readonly validMs?: number;
  /** Asked in the moment in which the request would be given to the relays. */
  readonly mayPublish?: () => boolean;
};

export type WalletService = {
  /** @throws {LightningNodeError} `unreachable` when no relay has an info event */
  describe(): Promise<WalletInfo>;
  /**
   * @throws {NotSentError} when no relay could be reached
   * @throws {WalletRefusal} when it answered with an error
   * @throws {LightningNodeError} `unreachable` when no answer came in time; it may have acted
   */
  request<T>(
    method: string,
    params: Readonly<Record<string, unknown>>,
    shape: z.ZodType<T>,
    options?: RequestTimes,
  ): Promise<T>;
  /** Rings on every notification, and when a connection has come back. */
  onNotification(ring: () => void): () => void;
  close(): void;
};

const answerShape = z.object({
  error: z.object({ code: z.string(), message: z.string().default('') }).nullish(),
  result: z.unknown().optional(),
});

/** Speaks NIP-47 over all relays of a connection at once; the first answer counts. */
export function createWalletService(
  access: NwcAccess,
  { clock, random }: { clock: Clock; random: Random },
): WalletService {
  const ownKey = publicKeyOf(access.secret);
  const shared = sharedX(access.secret, access.walletKey);
  const key = conversationKey(access.secret, access.walletKey);
  const answers = new Map<string, (event: NostrEvent) => void>();
  const listeners = new Set<() => void>();
  let info: WalletInfo | undefined;
  let infoEvent: NostrEvent | undefined;
  let onInfo: (() => void) | undefined;

  const ringAll = (): void => {
    for (const ring of listeners) ring();
  };
  const relays = access.relays.map((url) =>
    connectRelay(url, {
      onEvent: take,
      onStored: (id) => {
        if (id === 'info') onInfo?.();
      },
      // The answer may still come by another relay; the time limit decides.
      onRefused: () => undefined,
      onReconnected: ringAll,
    }),
  );
  const since = (): number => Math.floor(clock.nowMs() / 1_000) - SINCE_EARLIER_S;
  for (const relay of relays) {
    relay.subscribe('info', () => ({
      kinds: [kinds.info],
      authors: [access.walletKey],
      limit: 1,
    }));
    relay.subscribe('answers', () => ({
      kinds: [kinds.response, kinds.notification, kinds.notificationNip04],
      authors: [access.walletKey],
      '#p': [ownKey],
      since: since(),
    }));
  }

  /** Relays are strangers: nothing that they bring counts without the wallet's signature. */
  function take(event: NostrEvent): void {
    if (event.pubkey !== access.walletKey || !isGenuine(event)) return;
    if (event.kind === kinds.info) {
      if (infoEvent === undefined || event.created_at >= infoEvent.created_at) infoEvent = event;
      onInfo?.();
    } else if (event.kind === kinds.response) {
      const requestId = tagOf(event, 'e');
      if (requestId !== undefined) answers.get(requestId)?.(event);
    } else {
      ringAll();
    }
  }

  async function describe(): Promise<WalletInfo> {
    if (info !== undefined) return info;
    await anyOpen(relays);
    const isThere = new Promise<void>((resolve) => {
      onInfo = () => {
        if (infoEvent !== undefined) resolve();
      };
      onInfo();
    });
    await Promise.race([isThere, sleep(INFO_TIMEOUT_MS, undefined, { ref: false })]);
    if (infoEvent === undefined) {
      throw new LightningNodeError('unreachable', 'no relay knows the wallet service');
    }
    info = readInfo(infoEvent);
    return info;
  }

  async function request<T>(
    method: string,
    params: Readonly<Record<string, unknown>>,
    shape: z.ZodType<T>,
    { timeoutMs = CALL_TIMEOUT_MS, validMs = timeoutMs, mayPublish }: RequestTimes = {},
  ): Promise<T> {
    const { encryption } = await describe().catch((error: unknown) => {
      throw new NotSentError('unreachable', messageOf(error), { cause: error });
    });
    const event = sign(JSON.stringify({ method, params }), encryption, validMs);
    await anyOpen(relays);
    const answer = new Promise<NostrEvent>((resolve) => answers.set(event.id, resolve));
    try {
      if (mayPublish?.() === false) {
        throw new NotSentError('unreachable', 'its time was over; nothing was sent');
      }
      if (!publish(event)) throw new NotSentError('unreachable', 'no relay is connected');
      const came = await Promise.race([answer, sleep(timeoutMs, undefined, { ref: false })]);
      if (came === undefined) {
        throw new LightningNodeError('unreachable', `${method}: no answer in ${timeoutMs} ms`);
      }
      return readAnswer(method, decrypt(came), shape);
    } finally {
      answers.delete(event.id);
    }
  }

  function sign(text: string, encryption: Encryption, validMs: number): NostrEvent {
    const nowMs = clock.nowMs();
    const content =
      encryption === 'nip44_v2'
        ? encryptNip44(key, text, random)
        : encryptNip04(shared, text, random);
    const tags = [
      ['p', access.walletKey],
      // What arrives after we have stopped waiting must not be begun.
      ['expiration', String(Math.ceil((nowMs + Math.max(validMs, MIN_VALID_MS)) / 1_000))],
      ...(encryption === 'nip44_v2' ? [['encryption', encryption]] : []),
    ];
    return signEvent({ kind: kinds.request, tags, content }, access.secret, { nowMs, random });
  }

  function publish(event: NostrEvent): boolean {
    let isSent = false;
    for (const relay of relays) if (relay.publish(event)) isSent = true;
    return isSent;
  }

  function decrypt(event: NostrEvent): string {
    try {
      return event.content.includes('?iv=')
        ? decryptNip04(shared, event.content)
        : decryptNip44(key, event.content);
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error;
      throw new LightningNodeError('bad_answer', `wallet service: ${error.message}`);
    }
  }

  return {
    describe,
    request,
    onNotification(ring) {
      listeners.add(ring);
      return () => void listeners.delete(ring);
    },
    close() {
      listeners.clear();
      for (const relay of relays) relay.close();
    },
  };
}

/** @throws {NotSentError} when no relay is there in time */
async function anyOpen(relays: readonly Relay[]): Promise<void> {
  if (relays.some((relay) => relay.isOpen())) return;
  for (const relay of relays) relay.hurry();
  const late = sleep(RELAY_TIMEOUT_MS, 'late' as const, { ref: false });
  const first = await Promise.race([late, ...relays.map((relay) => relay.opened())]);
  if (first === 'late') throw new NotSentError('unreachable', 'no relay can be reached');
}

/** Without an `encryption` tag the service knows NIP-04 alone (NIP-47, "Backwards Compatibility"). */
function readInfo(event: NostrEvent): WalletInfo {
  const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter(Boolean);
  return {
    methods: words(event.content),
    notifications: words(tagOf(event, 'notifications')),
    encryption: words(tagOf(event, 'encryption')).includes('nip44_v2') ? 'nip44_v2' : 'nip04',
  };
}

function readAnswer<T>(method: string, text: string, shape: z.ZodType<T>): T {
  const bad = (what: string): LightningNodeError =>
    new LightningNodeError('bad_answer', `wallet service, ${method}: ${what}`);
  let json: unknown;
  try {
    json = parseExactJson(text);
  } catch {
    throw bad('not JSON');
  }
  const answer = answerShape.safeParse(json);
  if (!answer.success) throw bad('not an answer of NIP-47');
  const { error, result } = answer.data;
  if (error !== null && error !== undefined) throw new WalletRefusal(error.code, error.message);
  const parsed = shape.safeParse(result);
  if (!parsed.success) {
    throw bad(`"${parsed.error.issues[0]?.path.join('.') ?? ''}" is not as expected`);
  }
  return parsed.data;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
