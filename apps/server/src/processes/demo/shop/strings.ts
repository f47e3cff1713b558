import type { Locale } from '@quittance/checkout';
import type { OrderStatus } from '@quittance/contract';

export type Strings = {
  title: string;
  intro: string;
  banner: string;
  buy: string;
  /** Label of a button for those who hear it: which product. */
  buyLabel: string;
  productsTitle: string;
  ordersTitle: string;
  ordersHint: string;
  noOrders: string;
  view: string;
  viewLabel: string;
  payTitle: string;
  payExact: string;
  payLightning: string;
  payLess: string;
  payMore: string;
  payLabel: string;
  mine: string;
  miningSlow: string;
  miningFast: string;
  docs: string;
  languages: string;
  noScript: string;
  paid: string;
  notPayable: string;
  mined: string;
  confirmations: string;
  missing: string;
  expired: string;
  errorTitle: string;
  back: string;
  starting: string;
  foreign: string;
  failed: string;
  statuses: Readonly<Record<OrderStatus, string>>;
};

const en: Strings = {
  title: 'Corner Coffee',
  intro: 'A demo shop on Quittance. Buy something, then pay with the demo wallet below.',
  banner: 'Regtest: a private test network on this machine. No real money.',
  buy: 'Buy',
  buyLabel: 'Buy: {name}',
  productsTitle: 'Products',
  ordersTitle: 'Recent orders',
  ordersHint: 'These buttons exist in the demo only: they send coins from a wallet in the node.',
  noOrders: 'No orders yet. Buy something.',
  view: 'Checkout',
  viewLabel: 'Open the checkout of {name}',
  payTitle: 'Pay with the demo wallet',
  payExact: 'Exact',
  payLightning: 'Lightning',
  payLess: 'Too little',
  payMore: 'Too much',
  payLabel: 'Pay with the demo wallet: {how} ({name})',
  mine: 'Mine a block',
  miningSlow: 'A block is mined by itself every {n} seconds.',
  miningFast: 'Blocks are mined as soon as there is a payment.',
  docs: 'API docs',
  languages: 'Language',
  noScript: 'Without JavaScript this page loads itself again every {n} seconds.',
  paid: 'The demo wallet has sent the payment.',
  notPayable: 'This order can no longer be paid.',
  mined: 'A block has been mined.',
  confirmations: '{have} of {need} confirmations',
  missing: '{amount} BTC missing',
  expired: 'time is over',
  errorTitle: 'That did not work',
  back: 'Back to the shop',
  starting: 'The shop is still opening. Load the page again in a moment.',
  foreign: 'This form must be sent from the shop page itself.',
  failed: 'The server says: {reason}',
  statuses: {
    PENDING: 'Waiting for payment',
    UNCONFIRMED: 'Confirming',
    CONFIRMED: 'Paid',
    UNDERPAID: 'Underpaid',
    OVERPAID: 'Overpaid',
    EXPIRED: 'Expired',
    INVALID: 'Cancelled',
    REFUNDED: 'Refunded',
  },
};

const zhCN: Strings = {
  title: '街角咖啡',
  intro: '这是运行在 Quittance 上的演示商店。先下单，再用下方的演示钱包付款。',
  banner: 'Regtest：仅在本机运行的测试网络，不涉及真实资金。',
  buy: '购买',
  buyLabel: '购买：{name}',
  productsTitle: '商品',
  ordersTitle: '最近的订单',
  ordersHint: '这些按钮仅存在于演示中：从节点内的钱包发送比特币。',
  noOrders: '还没有订单，请先购买商品。',
  view: '付款页面',
  viewLabel: '打开“{name}”的付款页面',
  payTitle: '使用演示钱包付款',
  payExact: '足额',
  payLightning: '闪电网络',
  payLess: '少付',
  payMore: '多付',
  payLabel: '使用演示钱包付款：{how}（{name}）',
  mine: '挖出一个区块',
  miningSlow: '每 {n} 秒会自动挖出一个区块。',
  miningFast: '有付款时会立即挖出区块。',
  docs: 'API 文档',
  languages: '语言',
  noScript: '未启用 JavaScript，本页每 {n} 秒自动刷新。',
  paid: '演示钱包已发送付款。',
  notPayable: '此订单已无法付款。',
  mined: '已挖出一个区块。',
  confirmations: '{need} 次确认中已完成 {have} 次',
  missing: '还差 {amount} BTC',
  expired: '已超时',
  errorTitle: '操作未成功',
  back: '返回商店',
  starting: '商店正在启动，请稍后重新加载。',
  foreign: '请在商店页面内提交此表单。',
  failed: '服务器返回：{reason}',
  statuses: {
    PENDING: '等待付款',
    UNCONFIRMED: '确认中',
    CONFIRMED: '已付款',
    UNDERPAID: '付款不足',
    OVERPAID: '付款过多',
    EXPIRED: '已过期',
    INVALID: '已取消',
    REFUNDED: '已退款',
  },
};

const zhTW: Strings = {
  title: '街角咖啡',
  intro: '這是執行在 Quittance 上的示範商店。先下單，再用下方的示範錢包付款。',
  banner: 'Regtest：僅在本機執行的測試網路，不涉及真實資金。',
  buy: '購買',
  buyLabel: '購買：{name}',
  productsTitle: '商品',
  ordersTitle: '最近的訂單',
  ordersHint: '這些按鈕僅存在於示範中：從節點內的錢包送出比特幣。',
  noOrders: '還沒有訂單，請先購買商品。',
  view: '付款頁面',
  viewLabel: '開啟「{name}」的付款頁面',
  payTitle: '使用示範錢包付款',
  payExact: '足額',
  payLightning: '閃電網路',
  payLess: '少付',
  payMore: '多付',
  payLabel: '使用示範錢包付款：{how}（{name}）',
  mine: '挖出一個區塊',
  miningSlow: '每 {n} 秒會自動挖出一個區塊。',
  miningFast: '有付款時會立即挖出區塊。',
  docs: 'API 文件',
  languages: '語言',
  noScript: '未啟用 JavaScript，本頁每 {n} 秒自動重新整理。',
  paid: '示範錢包已送出付款。',
  notPayable: '此訂單已無法付款。',
  mined: '已挖出一個區塊。',
  confirmations: '{need} 次確認中已完成 {have} 次',
  missing: '還差 {amount} BTC',
  expired: '已逾時',
  errorTitle: '操作未成功',
  back: '返回商店',
  starting: '商店正在啟動，請稍後重新載入。',
  foreign: '請在商店頁面內送出此表單。',
  failed: '伺服器回應：{reason}',
  statuses: {
    PENDING: '等待付款',
    UNCONFIRMED: '確認中',
    CONFIRMED: '已付款',
    UNDERPAID: '付款不足',
    OVERPAID: '溢付',
    EXPIRED: '已過期',
    INVALID: '已取消',
    REFUNDED: '已退款',
  },
};

export const stringsOf: Readonly<Record<Locale, Strings>> = { en, 'zh-CN': zhCN, 'zh-TW': zhTW };

/** Puts values into a text: fill('{n} blocks', { n: '3' }) → "3 blocks". */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
