/**
 * Every sentence of the claim page in English. `{name}` is filled in by `fill`. The other languages
 * have the same keys with the same placeholders (strings.test.ts).
 */
export const en = {
  // Screens. The titles are also the tab's title.
  openTitle: 'Get your refund',
  checkTitle: 'Check the address',
  heldTitle: 'Not possible just now',
  approvingTitle: 'Waiting for the store',
  sendingTitle: 'About to be sent',
  sentTitle: 'Refund sent',
  confirmedTitle: 'Refund complete',
  failedTitle: 'The refund could not be sent',
  cancelledTitle: 'The refund was taken back',
  expiredTitle: 'This link has expired',
  unknownTitle: 'This link doesn’t work',
  errorPrefix: 'Please correct',

  openBody: '{store} pays you back in bitcoin. Say which address it goes to.',
  checkBody:
    'A Bitcoin payment can’t be called back. Compare the address with the one in your wallet, from the first character to the last.',
  heldBody:
    'The payment that this refund returns isn’t confirmed at the moment. As soon as it is, you can go on with this link.',
  approvingBody:
    '{store} has your address and has to approve the refund. You can close this page and open it again with the same link.',
  sendingBody: 'Nothing more to do. You can close this page and open it again with the same link.',
  sentBody:
    'It is in the Bitcoin network and on its way to your wallet. The first confirmation usually takes about 10 minutes.',
  confirmedBody: 'The transaction is in a block. Thank you for your patience.',
  failedBody:
    'No money has left the store. Please contact {store} with the order number below: they can start a new refund.',
  cancelledBody:
    'The store has taken it back before it was paid. Please contact {store} with the order number below.',
  expiredBody:
    'It was not used in time. Nothing is lost: ask {store} for a new link, with the order number below.',
  unknownBody:
    'It is incomplete, or a newer link has taken its place. Open the newest link that the store has given you, or ask the store for one.',
  unavailable:
    'The store can’t take your address at the moment. Nothing has happened. Please try again later, or contact {store}.',

  // Facts
  refundFor: 'Refund · {what}',
  orderRef: 'Order {number}',
  noteFrom: 'Message from {store}',
  details: 'Refund details',
  refunded: 'Refunded',
  kept: 'Kept by the store',
  youGet: 'You get',
  networkFee: 'Network fee',
  feeFromStore: 'Paid by the store',
  feeFromYou: 'Taken off when it is sent',
  rate: 'Exchange rate',
  rateCurrent: 'That of today',
  rateOriginal: 'That of your payment',
  orderNumber: 'Order number',
  validUntil: 'Link valid until',
  toAddress: 'To',
  transaction: 'Transaction',
  openExplorer: 'Show transaction {txid} in the block explorer',
  testNetwork: 'Test network ({network}): these coins have no value.',

  // Form
  addressLabel: 'Your Bitcoin address',
  addressHint:
    'From your own wallet: “Receive” shows it. It begins with {prefix}. An exchange’s deposit address works too, as long as it is yours.',
  proofLabel: 'Signature',
  proofHint:
    'The store asks for proof that the address is yours. Sign this message with your wallet (BIP-322) and paste the signature.',
  messageLabel: 'Message to sign',
  copyMessage: 'Copy message',
  copied: 'Copied',
  goOn: 'Continue',
  send: 'Refund {amount} to {address}',
  change: 'Change the address',
  sending: 'Sending…',

  // What may be wrong with it
  empty: 'Enter an address.',
  wrong_network:
    'This address belongs to another Bitcoin network. Here it has to begin with {prefix}.',
  not_an_address:
    'This is not a Bitcoin address, or it has a typing mistake. Copy it from your wallet once more.',
  unknown_type: 'This kind of address can’t be paid yet. Choose another kind in your wallet.',
  own_address: 'This is an address of the store itself. Enter one from your own wallet.',
  proof_missing: 'Paste the signature of the message.',
  proof_wrong:
    'This signature doesn’t fit the address and the message. Sign exactly the message above, with the wallet that the address is from.',

  noScript: 'This page refreshes itself every 30 seconds.',
  secured: 'Bitcoin refund, straight from the store',
};

export type RefundMessages = Record<keyof typeof en, string>;
