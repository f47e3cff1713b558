import type { Texts } from './texts.ts';

export const en: Texts = {
  kinds: {
    payout_stuck: {
      title: 'A payout is stuck',
      detail: ({ payoutId, state, minutes }) =>
        `The payout ${payoutId} has been ${state} for ${minutes} minutes.`,
      nextStep:
        'Look at the payout and its transaction. If the fee is too low, bump it; if an approval is ' +
        'missing, give it or cancel the payout.',
    },
    payout_failing: {
      title: 'Payouts fail again and again',
      detail: ({ processor, failures, reason }) =>
        `The processor ${processor} has failed ${failures} times in a row. The last reason: ${reason}`,
      nextStep: 'Mend what the reason names, or pause the processor until it is mended.',
    },
    fee_above_policy: {
      title: 'Payouts wait because the network fee is above your limit',
      detail: ({ feeRateSatPerVb, maxFeeRateSatPerVb }) =>
        `The network asks ${feeRateSatPerVb} sat/vB; your policy allows ${maxFeeRateSatPerVb} sat/vB.`,
      nextStep: 'Wait until fees fall, or raise the limit in the fee policy of the processor.',
    },
    hot_wallet_low: {
      title: 'The wallet that pays out runs low',
      detail: ({ balanceSats, thresholdSats }) =>
        `It holds ${balanceSats} satoshis; the threshold is ${thresholdSats} satoshis.`,
      nextStep: 'Send bitcoin to a deposit address of this wallet, or lower the threshold.',
    },
    reconciliation_break: {
      title: 'The coins on the chain and the books do not agree',
      detail: ({ ledgerSats, chainSats, differenceSats }) =>
        `The books say ${ledgerSats} satoshis, the chain ${chainSats}: a difference of ${differenceSats}.`,
      nextStep:
        'Pause payouts, then look at the transactions that the reconciliation names. Do not correct ' +
        'the books before you know the cause.',
    },
    signer_unavailable: {
      title: 'The signer does not answer',
      detail: ({ reason }) => `Payouts can not be signed: ${reason}`,
      nextStep: 'See whether the signer process runs and is unlocked; its log says more.',
    },
    node_unavailable: {
      title: 'The Bitcoin node can not be followed',
      detail: ({ reason }) => `No payments are seen until it is back: ${reason}`,
      nextStep: 'Run quittance doctor and see whether the node runs and is in sync.',
    },
    lightning_balance_break: {
      title: 'Your Lightning node and the books do not agree',
      detail: ({ alias, bookMsat, nodeMsat, differenceMsat }) =>
        `The books say ${bookMsat} msat, the node ${alias} ${nodeMsat}: a difference of ${differenceMsat}.`,
      nextStep:
        'Look at the node: a channel that was opened or closed, its fee, or a payment that was sent past ' +
        'Quittance. Once you know the cause, book it as an adjustment of the node.',
    },
    lightning_node_unavailable: {
      title: 'Your Lightning node does not answer',
      detail: ({ alias, minutes, reason }) =>
        `The node ${alias} can not be read since ${minutes} minutes: ${reason}`,
      nextStep:
        'See whether the node runs and is in sync, and whether its address and credentials are still ' +
        'right. Orders are paid on chain meanwhile; what was paid by Lightning is taken in when it is back.',
    },
    lightning_payment_unexplained: {
      title: 'Your Lightning node has paid something that is not on record here',
      detail: ({ paymentHash, amountMsat, reason }) =>
        `The payment ${paymentHash} over ${amountMsat} msat: ${reason}`,
      nextStep:
        'Find out who has used the node. Then book the difference as the runbook ' +
        'stuck-lightning-payout says.',
    },
    lightning_late_payment: {
      title: 'A Lightning payment that had failed was paid after all',
      detail: ({ payoutId, paymentHash, amountMsat }) =>
        `An attempt of the payout ${payoutId} counted as failed, since your node had not heard of ` +
        `it. The node has now paid it: ${amountMsat} msat, ${paymentHash}. It is booked, and the ` +
        'payout is paid by it unless it was paid already.',
      nextStep:
        'See whether the recipient was paid twice: if so, ask for the second payment back. Then look ' +
        'at the connection to your node, which delivered a request minutes late.',
    },
    lightning_outbound_low: {
      title: 'Little can be sent over Lightning',
      detail: ({ sendableSats, thresholdSats }) =>
        `The channels can send ${sendableSats} satoshis; the threshold is ${thresholdSats} satoshis.`,
      nextStep: 'Open a channel, move liquidity to your side, or lower the threshold.',
    },
    lightning_payments_failing: {
      title: 'Most payments over Lightning fail',
      detail: ({ failed, attempts, reason }) =>
        `${failed} of ${attempts} attempts of the last hour have failed. The last reason: ${reason}`,
      nextStep: 'Look at the attempts of the payouts, and at your channels and peers.',
    },
    payouts_held: {
      title: 'Payouts are held',
      detail: ({ reason }) => `Nothing is paid out until you let it go on: ${reason}`,
      nextStep:
        'Compare the payouts with the chain as the runbook backup-restore says, then run quittance restored --release.',
    },
    risk_screening_stuck: {
      title: 'Payments wait to be checked',
      detail: ({ payments, reason }) =>
        `${payments} payments can not be checked now and do not count before that: ${reason}`,
      nextStep:
        'See whether the Bitcoin node runs and is in sync. Nothing is lost; checks go on by themselves once it answers.',
    },
    screening_list_stale: {
      title: 'A list for screening is too old',
      detail: ({ list, hours, maxHours }) =>
        `The list ${list} is ${hours} hours old; it may be ${maxHours}. Whoever was listed since then is not found.`,
      nextStep: 'Import the newest version of the list and let a second person sign it off.',
    },
  },
  severities: { info: 'info', warning: 'warning', critical: 'critical' },
  causes: {
    opened: '',
    reopened: 'Again: ',
    escalated: 'Worse: ',
    reminder: 'Still open: ',
    resolved: 'Resolved: ',
  },
  colon: ': ',
  labels: {
    todo: 'What to do',
    store: 'Store',
    severity: 'Severity',
    since: 'Since',
    resolvedAt: 'Resolved',
    count: 'Times seen',
    alert: 'Alert',
  },
  instance: 'this Quittance server',
  whyYou:
    'You get this because your address is among the alert e-mails in the settings of the store.',
  whyOperator: 'You get this because your address is among smtp.operatorEmails of the server.',
  limit: (perHour) =>
    `This is e-mail number ${perHour} within an hour. More alerts of this hour are told by webhook ` +
    'and in the list of alerts only.',
};
