import type { RiskConfigState } from '@quittance/contract';
import { unreachable } from '@quittance/kernel';

/** What somebody wants to do with a version of the configuration. */
export type ConfigWish = 'shadow' | 'activate' | 'retire';

type Refused = { ok: false; reason: string };
export type ConfigStep = { ok: true; state: RiskConfigState } | Refused;

/**
 * Where a version goes: draft → shadow → active → retired. What decides about money was tried on the
 * past first and is put in force by a second person; a trial in shadow holds nothing and needs neither.
 * @param facts.samePerson whether who asks counts as the person who made it (tenancy/keys)
 */
export function stepConfig(
  state: RiskConfigState,
  wish: ConfigWish,
  facts: { hasBacktest: boolean; samePerson: boolean },
): ConfigStep {
  switch (wish) {
    case 'shadow':
      if (state !== 'draft') return refused('Only a draft can be tried in shadow.');
      return facts.hasBacktest ? { ok: true, state: 'shadow' } : refused(NO_BACKTEST);
    case 'activate':
      if (state !== 'draft' && state !== 'shadow') {
        return refused(
          'Only a draft or a version in shadow can be made active. Make a new one of it.',
        );
      }
      if (!facts.hasBacktest) return refused(NO_BACKTEST);
      if (facts.samePerson) {
        return refused('Another person than the one who made it has to put it in force.');
      }
      return { ok: true, state: 'active' };
    case 'retire':
      if (state === 'active') {
        return refused('The active version goes when another one is made active.');
      }
      if (state === 'retired') return refused('It is retired already.');
      return { ok: true, state: 'retired' };
    default:
      return unreachable(wish);
  }
}

const NO_BACKTEST = 'Run a backtest of it first.';

function refused(reason: string): Refused {
  return { ok: false, reason };
}
