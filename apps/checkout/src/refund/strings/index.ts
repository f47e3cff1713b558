import type { Locale } from '../../locale.ts';
import { en, type RefundMessages } from './en.ts';
import { zhCN } from './zh-CN.ts';
import { zhTW } from './zh-TW.ts';

export type { RefundMessages } from './en.ts';

/** The sentences of the claim page. They are no part of what the order's page carries. */
export const refundMessagesOf: Record<Locale, RefundMessages> = {
  en,
  'zh-CN': zhCN,
  'zh-TW': zhTW,
};
