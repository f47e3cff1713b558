import type { Currency } from '@quittance/kernel';
import type { HighRiskConfig } from '../config.ts';
import { money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';

/**
 * The other side is on a list, has a label or is in a country that the configuration names. What was
 * known is part of the movement; a list that changes later is the business of screening again.
 */
export function highRiskCounterparty(
  movement: Movement,
  config: HighRiskConfig,
  currency: Currency,
): Reason | null {
  const { amountMinor, direction, counterparty, id } = movement;
  const marks = movement.marks.filter(({ kind, about }) =>
    kind === 'country' ? config.countries.has(about) : config.categories.has(kind),
  );
  if (marks.length === 0) return null;
  // What has no known value is not passed over as small.
  if (amountMinor !== null && amountMinor < config.minAmount) return null;
  const named = marks.map(({ kind, about }) => `${kind}: ${about}`);
  const amount = amountMinor === null ? 'an unknown value' : money(amountMinor, currency);
  const side = direction === 'in' ? 'from' : 'to';
  return {
    summary: `${amount} ${side} ${counterparty ?? 'a counterparty'} (${named.join('; ')}).`,
    facts: { direction, amount, counterparty: counterparty ?? '', marks: named },
    movementIds: [id],
  };
}
