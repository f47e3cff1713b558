import type { MonitoringRule } from '@quittance/contract';

import type { MonitoringConfig, Severity } from './config.ts';
import type { Finding, Reason } from './finding.ts';
import { groupOf, isKnownLink, noteLinks } from './groups.ts';
import type { Movement } from './movement.ts';
import { cycleReason, edgeOf, findCycle, isCycleDue, noteArrival } from './rules/cycle.ts';
import { dormantThenActive } from './rules/dormant.ts';
import { fan } from './rules/fan.ts';
import { highRiskCounterparty } from './rules/high-risk.ts';
import { largeTransaction } from './rules/large.ts';
import { rapidMovement } from './rules/rapid.ts';
import { roundAmount } from './rules/round.ts';
import { structuring } from './rules/structuring.ts';
import {
  type ReadState,
  type StateKind,
  type StateOf,
  type States,
  statesOver,
  type StateWrite,
} from './state.ts';

/** What a movement makes of what is kept, and what is to be looked at. */
export type Advance = { readonly writes: readonly StateWrite[]; readonly findings: Finding[] };

/**
 * Takes one movement into account, without any I/O: what is kept of the parties it touches, and a
 * configuration, give what is kept afterwards, and the alerts. Movements of a store come one after the
 * other. The number of states that are read and written, and the size of each, are bounded whatever
 * came before.
 */
export function advance(read: ReadState, movement: Movement, config: MonitoringConfig): Advance {
  const states = statesOver(read);
  const { party, id, atMs, direction } = movement;
  const { currency } = config;
  const findings: Finding[] = [];
  const find = (rule: MonitoringRule, { severity }: { severity: Severity }, reason: Reason) =>
    findings.push({ rule, severity, party, movementId: id, atMs, ...reason });

  /** One rule that keeps one state of one party. */
  function run<Kind extends StateKind & MonitoringRule>(
    rule: Kind,
    subject: string,
    own: { enabled: boolean; severity: Severity },
    step: (state: StateOf[Kind] | null) => { state: StateOf[Kind] | null; reason: Reason | null },
  ): void {
    if (!own.enabled) return;
    const before = states.get(rule, subject);
    const { state, reason } = step(before);
    if (state !== before) states.set(rule, subject, state);
    if (reason !== null) find(rule, own, reason);
  }

  const { isService, links } = movement;
  noteLinks(states, party, isService ? links.filter(isKnownLink) : links);
  run('large_transaction', party, config.large, (state) =>
    largeTransaction(state, movement, config.large, currency),
  );
  run('structuring', party, config.structuring, (state) => {
    const others = groupOf(states, party).slice(1);
    const known = others.flatMap((each) => states.get('structuring', each) ?? []);
    return structuring(state, known, movement, { config: config.structuring, currency });
  });
  run('rapid_movement', party, config.rapid, (state) =>
    rapidMovement(state, movement, config.rapid, currency),
  );
  if (config.highRisk.enabled) {
    const reason = highRiskCounterparty(movement, config.highRisk, currency);
    if (reason !== null) find('high_risk_counterparty', config.highRisk, reason);
  }
  const fanConfig = direction === 'in' ? config.fanIn : config.fanOut;
  run(direction === 'in' ? 'fan_in' : 'fan_out', party, fanConfig, (state) =>
    fan(state, movement, fanConfig, currency),
  );
  if (config.cycle.enabled) follow(states, movement, config, find);
  run('dormant_then_active', party, config.dormant, (state) =>
    dormantThenActive(state, movement, config.dormant, currency),
  );
  run('round_amount', party, config.round, (state) =>
    roundAmount(state, movement, config.round, currency),
  );
  return { writes: states.writes(), findings };
}

function follow(
  states: States,
  movement: Movement,
  { cycle, currency }: MonitoringConfig,
  find: (rule: MonitoringRule, own: { severity: Severity }, reason: Reason) => void,
): void {
  const { amountMinor } = movement;
  const edge = edgeOf(movement);
  if (edge === null || amountMinor === null || amountMinor < cycle.minAmount) return;
  const sized = { ...movement, amountMinor };
  const told = states.get('cycle', edge.to);
  if (isCycleDue(told, movement, cycle)) {
    const chain = findCycle(edge, sized, cycle, (node) => states.get('arrivals', node));
    if (chain !== null) {
      states.set('cycle', edge.to, { lastAlertAtMs: movement.atMs });
      find('cycle', cycle, cycleReason(chain, edge, currency));
    }
  }
  const arrivals = noteArrival(states.get('arrivals', edge.to), edge, sized, cycle);
  states.set('arrivals', edge.to, arrivals);
}
