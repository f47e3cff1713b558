export { decide, MIN_ATTEMPT_MS, remainingTimeoutMs } from './decide.ts';
export {
  type PlanOptions,
  planAhead,
  previewSchedule,
  type PreviewOptions,
  type Schedule,
} from './preview-schedule.ts';
export { presentSchedule } from './present.ts';
export { type Reaction, reactionTo } from './reactions.ts';
export type {
  StrategyAdvice,
  StrategyAttempt,
  StrategyDecision,
  StrategyHistory,
  StrategyQuote,
} from './types.ts';
