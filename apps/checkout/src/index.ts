export { type Asset, buildAssets } from './assets.ts';
export { chooseLocale, type Locale, locales } from './locale.ts';
export type { CheckoutPaths } from './model.ts';
export {
  contentSecurityPolicy,
  type PageOptions,
  renderCheckoutPage,
  renderNotFoundPage,
  renderReceiptPage,
} from './page.ts';
