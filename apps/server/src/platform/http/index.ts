export {
  type Access,
  actorOf,
  type Caller,
  callerOf,
  type Idempotency,
  merchantOf,
  needs,
  open,
} from './access.ts';
export { type Authenticate, INSTANCE_ID } from './authentication.ts';
export { canonicalJson } from './canonical-json.ts';
export { buildHttp, type Http, type HttpApp, type HttpOptions, type RouteFact } from './http.ts';
export {
  ANSWERS_KEPT_MS,
  type Answer,
  answerOnce,
  type GivenAnswer,
  giveAnswer,
  type IdempotencyKey,
  idempotencyOf,
  idempotent,
  pruneIdempotencyKeys,
} from './idempotency.ts';
export { lnurlError, lnurlRoutes, queryText } from './lnurl.ts';
export { MAX_BODY_BYTES } from './json-body.ts';
export { answers, DOCS_PATH, fileAnswers, OPENAPI_PATH } from './openapi.ts';
export { pageOfRows } from './pages.ts';
export { type HttpLog, PROBLEM_TYPE } from './problems.ts';
export { defaultRateLimits, type RateLimits } from './rate-limits.ts';
export { invalidRequest } from './validation.ts';
