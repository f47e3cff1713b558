export { convertIvms101, ivmsVersion } from './convert-ivms101.ts';
export type { TravelDeps } from './exchange.ts';
export { type MayPay, type PayoutToScreen, travelRuleScreen } from './may-pay.ts';
export { addTravelRuleRoutes, type TravelRouteDeps } from './routes.ts';
export { addTrpRoutes } from './trp-routes.ts';
export { verifyIvms101 } from './verify-ivms101.ts';
