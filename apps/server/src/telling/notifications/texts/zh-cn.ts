import type { Texts } from './texts.ts';

export const zhCn: Texts = {
  kinds: {
    payout_stuck: {
      title: '有一笔付款卡住了',
      detail: ({ payoutId, state, minutes }) =>
        `付款 ${payoutId} 处于 ${state} 状态已有 ${minutes} 分钟。`,
      nextStep:
        '请查看该付款及其交易。如果手续费过低，请提高手续费；如果缺少批准，请批准或取消该付款。',
    },
    payout_failing: {
      title: '付款反复失败',
      detail: ({ processor, failures, reason }) =>
        `处理器 ${processor} 已连续失败 ${failures} 次。最近一次的原因：${reason}`,
      nextStep: '请排除上述原因，或在排除之前暂停该处理器。',
    },
    fee_above_policy: {
      title: '网络手续费高于您的上限，付款正在等待',
      detail: ({ feeRateSatPerVb, maxFeeRateSatPerVb }) =>
        `网络当前费率为 ${feeRateSatPerVb} sat/vB；您的策略最多允许 ${maxFeeRateSatPerVb} sat/vB。`,
      nextStep: '请等待手续费下降，或提高处理器手续费策略中的上限。',
    },
    hot_wallet_low: {
      title: '付款钱包余额不足',
      detail: ({ balanceSats, thresholdSats }) =>
        `余额为 ${balanceSats} 聪；阈值为 ${thresholdSats} 聪。`,
      nextStep: '请向该钱包的充值地址转入比特币，或降低阈值。',
    },
    reconciliation_break: {
      title: '链上余额与账本不一致',
      detail: ({ ledgerSats, chainSats, differenceSats }) =>
        `账本为 ${ledgerSats} 聪，链上为 ${chainSats} 聪，相差 ${differenceSats} 聪。`,
      nextStep: '请暂停付款，然后查看对账所列出的交易。在查明原因之前，请勿修改账本。',
    },
    signer_unavailable: {
      title: '签名器没有响应',
      detail: ({ reason }) => `无法为付款签名：${reason}`,
      nextStep: '请检查签名器进程是否在运行并已解锁；详情见其日志。',
    },
    node_unavailable: {
      title: '无法跟随比特币节点',
      detail: ({ reason }) => `在恢复之前无法看到任何收款：${reason}`,
      nextStep: '请运行 quittance doctor，并检查节点是否在运行且已同步。',
    },
    lightning_balance_break: {
      title: '闪电网络节点与账簿不一致',
      detail: ({ alias, bookMsat, nodeMsat, differenceMsat }) =>
        `账簿为 ${bookMsat} 毫聪，节点 ${alias} 为 ${nodeMsat}：相差 ${differenceMsat}。`,
      nextStep:
        '请检查节点：是否打开或关闭了通道、产生了通道费用，或有绕过 Quittance 发出的付款。查明原因后，将其记为该节点的调整。',
    },
    lightning_node_unavailable: {
      title: '您的闪电网络节点没有应答',
      detail: ({ alias, minutes, reason }) =>
        `节点 ${alias} 已有 ${minutes} 分钟无法读取：${reason}`,
      nextStep:
        '请检查节点是否在运行并已同步，其地址和凭据是否仍然有效。在此期间订单通过链上支付；节点恢复后，已通过闪电网络支付的款项会被记入。',
    },
    lightning_payment_unexplained: {
      title: '您的闪电节点付出了一笔此处没有记录的款项',
      detail: ({ paymentHash, amountMsat, reason }) =>
        `付款 ${paymentHash}，金额 ${amountMsat} msat：${reason}`,
      nextStep: '请查明是谁使用了该节点，然后按照运维手册 stuck-lightning-payout 记账。',
    },
    lightning_late_payment: {
      title: '一笔已记为失败的闪电付款最终仍被付出',
      detail: ({ payoutId, paymentHash, amountMsat }) =>
        `付款 ${payoutId} 的一次尝试因节点未收到而记为失败，但节点现已付出：${amountMsat} msat，${paymentHash}。该款项已入账；若此前未以其他方式付清，该付款即视为已付。`,
      nextStep:
        '请确认收款人是否被重复支付；如有，请要求退回第二笔款项。然后检查与节点的连接：有请求延迟了数分钟才送达。',
    },
    lightning_outbound_low: {
      title: '闪电网络的可发送额度不足',
      detail: ({ sendableSats, thresholdSats }) =>
        `通道目前可发送 ${sendableSats} 聪；阈值为 ${thresholdSats} 聪。`,
      nextStep: '请开设通道，将流动性移到您这一侧，或降低阈值。',
    },
    lightning_payments_failing: {
      title: '大多数闪电付款失败',
      detail: ({ failed, attempts, reason }) =>
        `最近一小时的 ${attempts} 次尝试中有 ${failed} 次失败。最近一次的原因：${reason}`,
      nextStep: '请查看各笔付款的尝试记录，以及您的通道和对等节点。',
    },
    payouts_held: {
      title: '付款已被暂停',
      detail: ({ reason }) => `在您放行之前不会付出任何款项：${reason}`,
      nextStep:
        '请按照 backup-restore 操作手册将付款与链上记录核对，然后运行 quittance restored --release。',
    },
    risk_screening_stuck: {
      title: '有付款等待核查',
      detail: ({ payments, reason }) =>
        `${payments} 笔付款目前无法核查，核查完成之前不会计入：${reason}`,
      nextStep:
        '请查看比特币节点是否正在运行并已同步。不会有任何丢失；节点恢复应答后核查会自动继续。',
    },
    screening_list_stale: {
      title: '筛查名单已过期',
      detail: ({ list, hours, maxHours }) =>
        `名单 ${list} 已有 ${hours} 小时未更新，上限为 ${maxHours} 小时。此后新列入的人员和地址无法被发现。`,
      nextStep: '请导入该名单的最新版本，并由另一人签核。',
    },
  },
  severities: { info: '提示', warning: '警告', critical: '严重' },
  causes: {
    opened: '',
    reopened: '再次出现：',
    escalated: '已加重：',
    reminder: '仍未解决：',
    resolved: '已解决：',
  },
  colon: '：',
  labels: {
    todo: '处理办法',
    store: '商店',
    severity: '级别',
    since: '开始时间',
    resolvedAt: '解决时间',
    count: '出现次数',
    alert: '警报',
  },
  instance: '本 Quittance 服务器',
  whyYou: '您收到此邮件，是因为您的地址在商店设置的警报邮箱中。',
  whyOperator: '您收到此邮件，是因为您的地址在服务器的 smtp.operatorEmails 中。',
  limit: (perHour) =>
    `这是一小时内的第 ${perHour} 封邮件。本小时内的其他警报只通过 webhook 和警报列表通知。`,
};
