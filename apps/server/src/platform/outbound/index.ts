export { checkOutboundUrl, isGlobalUnicast, type UrlPolicy } from './address-guard.ts';
export {
  AddressRefusedError,
  guardedConnector,
  type Resolve,
  type ResolvedAddress,
} from './connect.ts';
export { openGuardedAgent } from './guarded-agent.ts';
export { openOutboundPoster, type OutboundPoster, type PostAnswer } from './post-json.ts';
export { readBounded } from './read-bounded.ts';
export {
  defaultReadLimits,
  type OutboundAnswer,
  type OutboundFailureCode,
  type OutboundReader,
  openOutboundReader,
  type ReadLimits,
} from './read-text.ts';
