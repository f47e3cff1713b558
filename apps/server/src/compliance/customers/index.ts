export { orderCustomers } from './admit-orders.ts';
export { createCustomerCaseListener } from './decide-hit.ts';
export type { CustomerDeps, PartyScreener } from './ports.ts';
export type { AskDeps } from './provider/ask-provider.ts';
export { openProviderClient, type ProviderClient } from './provider/http-provider.ts';
export { readKnownLinks } from './known-links.ts';
export { type KnownCustomer, readCustomerProfile } from './read-profile.ts';
export { type CustomerRouteDeps } from './route-deps.ts';
export {
  type CustomerObjection,
  type PayoutCustomer,
  readPayoutCustomers,
} from './payout-customers.ts';
export { refuseRefundsOfBlocked } from './refuse-refunds.ts';
export { addCustomerRoutes } from './routes.ts';
export {
  askDue,
  createCustomerRescreener,
  eraseDue,
  passTime,
  screenDue,
  type WorkDeps,
} from './work.ts';
