/** What a rune has to allow to receive, and nothing else (lightning-createrune(7)). */
export const receivingMethods = [
  ...['help', 'getinfo', 'decode', 'invoice', 'listinvoices', 'delinvoice', 'wait'],
  ...['listpays', 'listsendpays', 'listpeerchannels', 'listfunds', 'offer', 'disableoffer'],
] as const;

/** And to pay as well. */
export const payingMethods = ['xpay', 'pay', 'fetchinvoice'] as const;
