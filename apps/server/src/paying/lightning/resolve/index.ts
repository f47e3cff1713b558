export {
  failureTable,
  type ResolveFailure,
  type ResolveFailureCode,
} from './failures.ts';
export { openResolver, type Resolver, type ResolverSettings } from './open-resolver.ts';
export type { PayRequest, SuccessAction } from './pay-request.ts';
export {
  type ResolveDeps,
  type Resolved,
  type ResolveRequest,
  resolveDestination,
} from './resolve-destination.ts';
