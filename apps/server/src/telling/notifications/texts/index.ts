import type { MerchantSettingsBase } from '@quittance/contract';
import { en } from './en.ts';
import type { Texts } from './texts.ts';
import { zhCn } from './zh-cn.ts';
import { zhTw } from './zh-tw.ts';

export type Locale = MerchantSettingsBase['defaultLocale'];

export const texts: Readonly<Record<Locale, Texts>> = { en, 'zh-CN': zhCn, 'zh-TW': zhTw };
