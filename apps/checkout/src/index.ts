export { type Asset, buildAssets } from './assets.ts';
export { chooseLocale, type Locale, locales } from './locale.ts';
export type { CheckoutPaths } from './model.ts';
export {
  contentSecurityPolicy,
  type PageOptions,
  payMethodOf,
  refundSecurityPolicy,
  renderCheckoutPage,
  renderNotFoundPage,
  renderReceiptPage,
} from './page.ts';
export { type ClaimProblem, type ClaimStep, emptyForm } from './refund/model.ts';
export {
  type RefundPageOptions,
  renderRefundPage,
  renderRefundUnknownPage,
} from './refund/page.ts';
export {
  type PullPageOptions,
  renderPullPage,
  renderPullUnknownPage,
} from './pull/page.ts';
