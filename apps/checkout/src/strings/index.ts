import type { Locale } from '../locale.ts';
import { en, type Messages } from './en.ts';
import { zhCN } from './zh-CN.ts';
import { zhTW } from './zh-TW.ts';

export type { Messages } from './en.ts';

/** The sentences of a language. The page carries its own; the script holds none. */
export const messagesOf: Record<Locale, Messages> = { en, 'zh-CN': zhCN, 'zh-TW': zhTW };
