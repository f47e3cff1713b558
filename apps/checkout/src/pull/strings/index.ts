import type { Locale } from '../../locale.ts';
import { en, type PullMessages } from './en.ts';
import { zhCN } from './zh-CN.ts';
import { zhTW } from './zh-TW.ts';

export type { PullMessages } from './en.ts';

/** The sentences of a pull payment's page. */
export const pullMessagesOf: Record<Locale, PullMessages> = {
  en,
  'zh-CN': zhCN,
  'zh-TW': zhTW,
};
