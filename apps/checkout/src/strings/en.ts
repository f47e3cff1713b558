/**
 * Every sentence the payer reads, in English. `{name}` is filled in by `fill`. The other languages
 * have the same keys with the same placeholders (strings.test.ts).
 */
export const en = {
  // States, in the order a payment goes through them. They are also the tab's title.
  waitingTitle: 'Waiting for payment',
  partialTitle: 'Part of it has arrived',
  seenTitle: 'Payment seen',
  confirmingTitle: 'Confirming payment',
  reviewTitle: 'Payment is being checked',
  paidTitle: 'Paid',
  overpaidTitle: 'Paid, with extra',
  expiredTitle: 'This order has expired',
  shortTitle: 'Paid in part, then expired',
  lateTitle: 'Payment received late',
  invalidTitle: 'This order can’t be completed',
  refundedTitle: 'Refunded',

  seenBody: 'It has reached the network. You can close this page: nothing more to do.',
  confirmingBody: 'Nothing more to do. You can close this page, the store will be told.',
  reviewBody:
    'Your payment has arrived and is being checked before it counts. You can close this page; please don’t send it again. Most checks take seconds, some need a person. Bitcoin that has arrived can’t be turned away: if {store} can’t accept it, it is kept apart until it is settled what happens with it. Questions? Contact {store} with the order number below.',
  reviewNote: 'A payment is being checked before it counts. Please don’t send it again.',
  returnedNote:
    'A payment could not be accepted for this order. {store} can return it: contact them with the order number below.',
  paidBody: 'Your payment is complete. Thank you.',
  paidLightningBody: 'Paid by Lightning, complete at once. Thank you.',
  overpaidBody:
    '{excess} more than asked has arrived. The order is paid. Ask {store} to return the difference or to credit it.',
  excessNote:
    '{excess} more than asked has arrived. Nothing is lost: {store} sees it and can return or credit it.',
  partialBody: 'Scan the new code to send the rest in a second payment.',
  expiredBody:
    'Nothing has arrived. Please don’t pay to this address any more: start again at the store to get a fresh price.',
  expiredSentBody:
    'Already sent? Don’t send it again. As soon as it arrives the store is told, and this page shows it.',
  shortBody:
    '{received} has arrived, {missing} was missing when the time ran out. Please don’t send more. {store} holds your payment: contact them with the order number below, to complete the order or to get it back.',
  lateBody:
    '{late} arrived after the time ran out. It is safe: {store} sees it and decides whether to accept it at this price or to return it. Contact them with the order number below.',
  lateNote:
    '{late} arrived after the time ran out. It is held safely: {store} can return or credit it.',
  invalidBody:
    'Please don’t pay to this address. If you have already paid, contact {store} with the order number below: what arrived is on record.',
  refundedBody: 'Your payment for this order has been returned by {store}.',
  refundedNote: '{refunded} of it has been returned by {store}.',

  // Progress
  progress: 'Progress',
  stepSeen: 'Seen',
  stepConfirmed: 'Confirmed',
  confirmationsOf: '{have} of {need} confirmations',
  estimate:
    'Usually about {typical}, one time in ten longer than {long}: Bitcoin’s blocks come at random.',
  estimateFee: 'A low network fee can make the first one slower.',
  minutesOne: '{n} minute',
  minutesMany: '{n} minutes',
  hours: '{n} hours',

  // Paying
  amountDue: 'Amount due',
  stillToPay: 'Still to pay',
  ofTotal: 'of {total}',
  arrived: 'Arrived',
  missing: 'Missing',
  timeLeftValue: '{time} left',
  payWith: 'Pay with',
  methodAny: 'Any wallet',
  methodOnchain: 'On chain',
  methodLightning: 'Lightning',
  openWallet: 'Open in wallet',
  copyAddress: 'Address',
  copyAmount: 'Amount',
  copyLink: 'Link',
  copyAddressLabel: 'Copy address',
  copyAmountLabel: 'Copy amount in BTC',
  copyLinkLabel: 'Copy payment link',
  copyInvoice: 'Invoice',
  copyInvoiceLabel: 'Copy Lightning invoice',
  copied: 'Copied',
  copiedAddress: 'Address copied',
  copiedAmount: 'Amount copied',
  copiedLink: 'Payment link copied',
  copiedInvoice: 'Lightning invoice copied',
  copyFailed: 'Copying is blocked here. Press and hold the text below to copy it.',
  qrLabel: 'QR code: pay {amount} to {address}',
  qrLabelLightning: 'QR code: pay {amount} by Lightning',
  qrEnlarge: 'Enlarge the QR code',
  qrScan: 'Scan with your Bitcoin wallet',
  close: 'Close',

  // Details
  details: 'Payment details',
  address: 'Address',
  invoice: 'Lightning invoice',
  amountExact: 'Exact amount',
  rate: 'Exchange rate',
  rateValue: '1 BTC = {price}',
  networkFee: 'Network fee',
  networkFeeNote: 'Set and added by your wallet',
  orderNumber: 'Order number',
  network: 'Network',
  testNetwork: 'Test network ({network}): these coins have no value. Don’t send real bitcoin.',
  payments: 'Payments',
  paymentSeen: 'Seen',
  paymentConfirming: 'Confirming, {n} of {need}',
  paymentConfirmed: 'Confirmed',
  paymentLightning: 'Paid by Lightning',
  paymentReview: 'Being checked',
  paymentReturned: 'Not accepted, can be returned',
  paymentReplaced: 'Replaced by its sender, doesn’t count',
  paymentDropped: 'No longer in the network, doesn’t count',
  paymentLate: 'After expiry',
  lostPaymentNote:
    'A payment that we had seen was replaced or has disappeared from the network. It doesn’t count. Please check your wallet.',
  transaction: 'Transaction',
  openExplorer: 'Show transaction {txid} in the block explorer',

  // Afterwards
  showReceipt: 'Receipt',
  backToStore: 'Back to {store}',
  backToOrder: 'Back to the order',
  receiptTitle: 'Receipt',
  receiptNotYet: 'This payment is not complete yet',
  print: 'Print or save as PDF',
  status: 'Status',
  paidTo: 'Paid to',
  forWhat: 'For',
  price: 'Price',
  over: 'Over',
  late: 'Arrived late',
  returned: 'Paid back',
  outstanding: 'Outstanding',
  ordered: 'Ordered',
  receiptTotal: 'Total received',
  noPayments: 'No payment has arrived.',
  receiptFoot: 'This receipt shows the payment as of {time}.',
  notFoundTitle: 'No such order',
  notFoundBody:
    'The link is incomplete or the order doesn’t exist. Open it again from the store, or ask the store for a new one.',

  // Page
  soundOn: 'Turn the sound on',
  soundOff: 'Turn the sound off',
  offline: 'No connection. Reconnecting… A payment you have sent is not affected.',
  noScript: 'This page refreshes itself every 15 seconds.',
  secured: 'Bitcoin payment, straight to the store',
  minuteLeftAnnounce: 'One minute left to pay',
  fiveMinutesLeftAnnounce: 'Five minutes left to pay',
};

export type Messages = Record<keyof typeof en, string>;
