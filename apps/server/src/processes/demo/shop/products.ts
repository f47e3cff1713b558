import type { Locale } from '@quittance/checkout';

export type Product = {
  id: string;
  name: Readonly<Record<Locale, string>>;
  about: Readonly<Record<Locale, string>>;
  amount: string;
  currency: string;
  /** Path of an icon on a grid of 24 × 24. */
  icon: string;
};

/** One in each kind of price; the last one asks for three confirmations. */
export const products: readonly Product[] = [
  {
    id: 'beans',
    name: {
      en: 'House blend, 250 g',
      'zh-CN': '招牌咖啡豆 250 克',
      'zh-TW': '招牌咖啡豆 250 公克',
    },
    about: {
      en: 'Priced in euros; one confirmation.',
      'zh-CN': '欧元定价；需要 1 次确认。',
      'zh-TW': '歐元定價；需要 1 次確認。',
    },
    amount: '12.90',
    currency: 'EUR',
    icon: 'M7 3h10l1 4v12a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V7zM6 7h12M12 11c-2 1.5-2 4.5 0 6c2-1.5 2-4.5 0-6z',
  },
  {
    id: 'mug',
    name: { en: 'Enamel mug', 'zh-CN': '搪瓷杯', 'zh-TW': '琺瑯杯' },
    about: {
      en: 'Priced in dollars; one confirmation.',
      'zh-CN': '美元定价；需要 1 次确认。',
      'zh-TW': '美元定價；需要 1 次確認。',
    },
    amount: '18.00',
    currency: 'USD',
    icon: 'M5 8h11v9a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3zM16 10h2a2.5 2.5 0 0 1 0 5h-2M8 2.5v2.5M12.5 2.5v2.5',
  },
  {
    id: 'machine',
    name: { en: 'Espresso machine', 'zh-CN': '意式咖啡机', 'zh-TW': '義式咖啡機' },
    about: {
      en: 'Priced in bitcoin; three confirmations.',
      'zh-CN': '比特币定价；需要 3 次确认。',
      'zh-TW': '比特幣定價；需要 3 次確認。',
    },
    amount: '0.012',
    currency: 'BTC',
    icon: 'M5 3h14v6H5zM7 9v12M17 21H5M9.5 9v2h5V9M9.5 14.5h5v3.5h-5z',
  },
];
