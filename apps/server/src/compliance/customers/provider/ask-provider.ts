import type { Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import { type Family, lockFamily, note, ownOf, profileIn, readFamily } from '../family.ts';
import type { CustomerDeps } from '../ports.ts';
import { demandScreened } from '../screen-customer.ts';
import {
  applyVerificationEvent,
  type ProviderAnswer,
  type Verification,
  type VerificationEvent,
} from '../verification.ts';
import { findVerification, updateVerification } from '../verification-store.ts';
import { isOvertaken, putInForce } from '../verify-customer.ts';
import type { IdentityProvider, ProviderClient } from './http-provider.ts';
import { findProvider, type StoredProvider } from './provider-store.ts';

export type AskDeps = CustomerDeps & {
  database: Database;
  client: ProviderClient;
  /** Where providers reach us, without a slash at the end. */
  publicUrl: string;
};

export const API_KEY_CONTEXT = 'key of the identity provider of';
export const CALLBACK_CONTEXT = 'callback secret of the identity provider of';
/** The path that a provider calls back, before the verification's id. */
export const CALLBACK_PATH = '/kyc/callbacks';

/**
 * Asks the provider about one verification: hands it over while nobody knows whether it has it, else
 * reads what has become of it. Handing over twice is safe: the id is the provider's key for it.
 */
export async function askProvider(
  deps: AskDeps,
  verification: Verification,
  signal: AbortSignal,
): Promise<void> {
  const { merchantId, id, customerId } = verification;
  const asked = await deps.database.asSystem(async (tx) => {
    const stored = await findProvider(tx, merchantId);
    if (verification.state !== 'starting') return { stored, request: undefined };
    const family = await readFamily(tx, deps, { merchantId, id: customerId });
    const customer = ownOf(family);
    if (customer.erasedAtMs !== null) return { stored, request: undefined };
    const callbackUrl = `${deps.publicUrl}${CALLBACK_PATH}/${id}`;
    const { kind } = customer;
    const profile = profileIn(family, customer);
    return { stored, request: { id, level: verification.level, kind, profile, callbackUrl } };
  });
  const provider = providerOf(deps, asked.stored);
  const answer = await (async (): Promise<ProviderAnswer> => {
    if (provider === null) return { kind: 'silent', reason: 'provider_not_enabled' };
    if (asked.request !== undefined) return await provider.start(asked.request, signal);
    return await provider.read(id, signal);
  })();
  await deps.database.asSystem((tx) => takeAnswer(tx, deps, { merchantId, id, answer }));
}

function providerOf(deps: AskDeps, stored: StoredProvider | undefined): IdentityProvider | null {
  if (stored === undefined || !stored.enabled) return null;
  const context = `${API_KEY_CONTEXT} ${stored.merchantId}`;
  const apiKey = deps.sealer.unseal(stored.sealedApiKey, context);
  return deps.client.at({ url: stored.url, apiKey });
}

/** Applies what a provider says, by answer or by callback; the same again changes nothing. */
export async function takeAnswer(
  tx: Tx,
  deps: CustomerDeps,
  given: { merchantId: Uuid; id: Uuid; answer: ProviderAnswer },
): Promise<void> {
  const { merchantId, id, answer } = given;
  const nowMs = deps.clock.nowMs();
  const found = await findVerification(tx, { merchantId, id });
  if (found === undefined) return;
  const family = await lockFamily(tx, deps, { merchantId, id: found.customerId });
  const before = await findVerification(tx, { merchantId, id });
  if (before === undefined || ownOf(family).erasedAtMs !== null) return;
  const isOpen = before.endedAtMs === null && before.state !== 'proposed';
  if (isOpen && isOvertaken(family, before)) {
    await apply(tx, deps, family, { before, event: { type: 'overtaken' }, decides: false, nowMs });
    return;
  }
  const decides = family.settings.providerDecides && (await canBeInForce(tx, deps, family));
  const event = eventOf(family, before, answer);
  await apply(tx, deps, family, { before, event, decides, nowMs });
}

function eventOf(family: Family, { id }: Verification, answer: ProviderAnswer): VerificationEvent {
  if (answer.kind !== 'running' || answer.link === null) return { type: 'answered', answer };
  const key = family.vault.keyOf(ownOf(family));
  return { type: 'answered', answer, sealedLink: key.seal(answer.link, `link:${id}`) };
}

/** With a question about the customer open, a person has to look before anything is in force. */
async function canBeInForce(tx: Tx, deps: CustomerDeps, family: Family): Promise<boolean> {
  const customer = ownOf(family);
  if (customer.block !== null || customer.endedAtMs !== null) return false;
  if (customer.state === 'rejected') return false;
  try {
    await demandScreened(tx, deps, customer);
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

async function apply(
  tx: Tx,
  deps: CustomerDeps,
  family: Family,
  given: { before: Verification; event: VerificationEvent; decides: boolean; nowMs: number },
): Promise<void> {
  const { before, event, decides, nowMs } = given;
  const doing = { by: 'provider', nowMs };
  const step = applyVerificationEvent(before, event, { nowMs, decides });
  if (!step.ok) {
    if (step.because !== 'contradiction') return;
    await tell(tx, deps, { verification: before, rule: 'verification_contradicted', nowMs });
    return;
  }
  if (!step.changed) return;
  const { verification } = step;
  await updateVerification(tx, verification);
  const detail = { verificationId: before.id, state: verification.state };
  if (verification.state !== before.state) {
    const noted = { action: 'verification_answered', detail };
    await note(tx, deps, ownOf(family), { family, noted, doing });
  }
  if (step.effect === 'verify') await putInForce(tx, deps, family, { verification, doing });
  if (step.effect === 'tell') {
    await tell(tx, deps, { verification, rule: `verification_${verification.state}`, nowMs });
  }
}

const SUMMARIES: Readonly<Record<string, string>> = {
  verification_failed: 'The identity provider could not verify a customer.',
  verification_abandoned: 'An identity verification was given up without a result.',
  verification_proposed: 'A verification by the identity provider waits for a person.',
  verification_contradicted: 'The identity provider contradicts what it said before.',
};

async function tell(
  tx: Tx,
  deps: CustomerDeps,
  given: { verification: Verification; rule: string; nowMs: number },
): Promise<void> {
  const { verification, rule, nowMs } = given;
  const { merchantId, customerId, id, level, state } = verification;
  const summary = SUMMARIES[rule] ?? 'A verification needs a person.';
  await deps.raiseAlert(
    tx,
    { ids: deps.ids, nowMs },
    {
      ...{ merchantId, source: 'customer', rule, summary },
      severity: rule === 'verification_contradicted' ? 'high' : 'low',
      subject: { type: 'customer', id: customerId },
      facts: { customerId, verificationId: id, level, state },
      dedupeKey: `customer-${rule}:${id}`,
    },
  );
}
