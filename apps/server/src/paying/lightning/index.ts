export {
  decide,
  MIN_ATTEMPT_MS,
  previewSchedule,
  type PreviewOptions,
  type Reaction,
  reactionTo,
  type Schedule,
  type StrategyAdvice,
  type StrategyAttempt,
  type StrategyDecision,
  type StrategyHistory,
  type StrategyQuote,
} from './strategies/index.ts';
export { type FailureClassFacts, failureClasses } from './failure-classes.ts';
