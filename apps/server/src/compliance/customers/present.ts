import type {
  Customer as CustomerJson,
  CustomerDocument,
  CustomerErasure,
  CustomerHit,
  CustomerLogEntry,
  CustomerOwners,
  CustomerVerification,
} from '@quittance/contract';
import { formatDecimal, isoTime } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { dayBefore } from './calendar.ts';
import { type Customer, effectiveRisk } from './customer.ts';
import type { StoredDocument } from './document.ts';
import type { Erasure } from './erasure.ts';
import type { Family } from './family.ts';
import type { Hit } from './hit.ts';
import { countOpenHits } from './hit-store.ts';
import { levelOf } from './level.ts';
import type { LogEntry } from './log-store.ts';
import { beneficialOwners, knownShare, percentText } from './ownership.ts';
import { openProfile } from './profile.ts';
import { readCustomerSettings } from './settings.ts';
import type { CustomerKey, Vault } from './vault.ts';
import type { Verification } from './verification.ts';

/** Scores are whole points; so many are the whole. */
const POINT_DECIMALS = 4;

/** Customers as they are answered, with what they may do at this moment. All of one store. */
export async function customersJson(
  tx: Tx,
  vault: Vault,
  customers: readonly Customer[],
  nowMs: number,
): Promise<CustomerJson[]> {
  const [first] = customers;
  if (first === undefined) return [];
  const { merchantId } = first;
  const settings = await readCustomerSettings(tx, merchantId);
  const hits = await countOpenHits(tx, { merchantId, ids: customers.map(({ id }) => id) });
  return customers.map((customer) => {
    const open = hits.get(customer.id) ?? { all: 0, sanctions: 0 };
    const { sealedProfile, sealedKey, block } = customer;
    return {
      id: customer.id,
      merchantId: customer.merchantId,
      kind: customer.kind,
      state: customer.state,
      verifiedLevel: customer.verifiedLevel,
      level: levelOf(customer, { openSanctionsHits: open.sanctions, settings, nowMs }),
      verifiedAt: maybeTime(customer.verifiedAtMs),
      validUntil: maybeTime(customer.validUntilMs),
      risk: effectiveRisk(customer),
      riskReasons: [
        ...customer.riskReasons,
        ...(customer.riskOverride === null ? [] : (['set_by_officer'] as const)),
      ],
      politicallyExposed: customer.pep,
      blockedAt: maybeTime(block?.atMs ?? null),
      blockedBecause: block?.because ?? null,
      blockedByOwners: customer.ownerBlocked,
      openHits: open.all,
      screenedAt: maybeTime(customer.screenedAtMs),
      reviewDueAt: maybeTime(customer.reviewDueAtMs),
      endedAt: maybeTime(customer.endedAtMs),
      erasedAt: maybeTime(customer.erasedAtMs),
      profile:
        sealedProfile === null || sealedKey === null
          ? null
          : openProfile(vault.keyOf(customer), sealedProfile),
      version: customer.version,
      createdAt: isoTime(customer.createdAtMs),
      updatedAt: isoTime(customer.updatedAtMs),
    };
  });
}

export function ownersJson({ own, shares, members, settings }: Family): CustomerOwners {
  const { beneficialOwnerBps: thresholdBps } = settings;
  const isPerson = (id: string) => members.get(id)?.kind === 'person';
  const known = knownShare(own.id, shares, isPerson);
  const { numerator, denominator } = known;
  return {
    owners: shares
      .filter(({ entityId }) => entityId === own.id)
      .map(({ ownerId, shareBps, controls }) => ({ customerId: ownerId, shareBps, controls })),
    beneficialOwners: beneficialOwners(own.id, shares, { thresholdBps, isPerson }).map(
      ({ id, share, controls }) => ({ customerId: id, sharePercent: percentText(share), controls }),
    ),
    thresholdBps,
    unknownPercent: percentText({ numerator: denominator - numerator, denominator }),
  };
}

export function documentJson(
  document: StoredDocument,
  retainedUntilMs: number | null,
): CustomerDocument {
  const { id, customerId, type, mediaType, sizeBytes, uploadedBy } = document;
  return {
    ...{ id, customerId, type, mediaType, sizeBytes, uploadedBy },
    sha256: Buffer.from(document.sha256).toString('hex'),
    expiresOn: document.expiresAtMs === null ? null : dayBefore(document.expiresAtMs),
    uploadedAt: isoTime(document.uploadedAtMs),
    retainedUntil: maybeTime(retainedUntilMs),
  };
}

export function hitJson(key: CustomerKey, hit: Hit): CustomerHit {
  const { id, customerId, list, entryId, category, listVersion, state, decidedBy, caseId } = hit;
  const { sealedParts, sealedReason } = hit;
  return {
    ...{ id, customerId, list, entryId, category, listVersion, state, decidedBy, caseId },
    score: formatDecimal(BigInt(hit.points), POINT_DECIMALS),
    // Written by screenCustomer, and nobody without the key can have changed it.
    explanation: JSON.parse(key.open(sealedParts, `hit:${id}`)) as CustomerHit['explanation'],
    foundAt: isoTime(hit.foundAtMs),
    goneAt: maybeTime(hit.goneAtMs),
    decidedAt: maybeTime(hit.decidedAtMs),
    reason: sealedReason === null ? null : key.open(sealedReason, `note:${id}`),
  };
}

export function verificationJson(key: CustomerKey, one: Verification): CustomerVerification {
  const { id, customerId, method, level, state, reason, documentIds, proposedBy, decidedBy } = one;
  const { sealedLink, sealedNote } = one;
  return {
    ...{ id, customerId, method, level, state, reason, proposedBy, decidedBy },
    documentIds: [...documentIds],
    link: sealedLink === null ? null : key.open(sealedLink, `link:${id}`),
    note: sealedNote === null ? null : key.open(sealedNote, `note:${id}`),
    createdAt: isoTime(one.createdAtMs),
    endedAt: maybeTime(one.endedAtMs),
  };
}

export function erasureJson(erasure: Erasure): CustomerErasure {
  const { id, customerId, cause, rule, requestedBy } = erasure;
  return {
    ...{ id, customerId, cause, rule, requestedBy },
    dueAt: maybeTime(erasure.dueAtMs),
    requestedAt: isoTime(erasure.requestedAtMs),
    decidedAt: isoTime(erasure.decidedAtMs),
    doneAt: maybeTime(erasure.doneAtMs),
  };
}

/** @param key null: the customer was erased, and with it what people wrote */
export function logEntryJson(key: CustomerKey | null, entry: LogEntry): CustomerLogEntry {
  const { id, actor, action, detail, sealedNote } = entry;
  const note = key === null || sealedNote === null ? null : key.open(sealedNote, `note:${id}`);
  return { id, at: isoTime(entry.atMs), actor, action, detail, note };
}

function maybeTime(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
