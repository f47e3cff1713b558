/**
 * Every sentence of a pull payment's page in English. `{name}` is filled in by `fill`. The other
 * languages have the same keys with the same placeholders (strings.test.ts).
 */
export const en = {
  // Screens. The titles are also the tab's title.
  openTitle: 'Take your money',
  emptyTitle: 'Nothing left for now',
  unavailableTitle: 'Not possible just now',
  not_approvedTitle: 'Waiting for the store',
  not_startedTitle: 'Not yet',
  expiredTitle: 'The time for this is over',
  archivedTitle: 'This has ended',
  unknownTitle: 'This link doesn’t work',

  openBody: 'Scan the code with a Lightning wallet, and choose how much.',
  emptyBody: 'All of it has been taken.',
  emptyUntilBody: 'All of it has been taken. From {when} there is more.',
  unavailableBody: 'There is no exchange rate at the moment. Try again shortly.',
  not_approvedBody: '{store} has to approve this first. Open the same link again later.',
  not_startedBody: 'It begins on {when}.',
  expiredBody: 'Ask {store} if you still need it.',
  archivedBody: '{store} has ended this.',
  unknownBody: 'It may have been replaced by a newer one. Ask whoever sent it to you.',

  remaining: 'Left',
  ofLimit: 'of {limit}',
  eachDay: 'each day',
  eachWeek: 'each week',
  eachMonth: 'each month',
  openWallet: 'Open in wallet on this device',
  qrLabel: 'QR code to take money with a Lightning wallet',
  drawsTitle: 'Taken so far',
  drawOpen: 'Being paid',
  drawPaid: 'Paid',
  drawFailed: 'Not paid, back in your balance',
  until: 'Until',
  keepSecret: 'Whoever has this link can take the money. Keep it to yourself.',
  testNetwork: 'This is the {network} test network. Its bitcoin is worth nothing.',
};

export type PullMessages = typeof en;
