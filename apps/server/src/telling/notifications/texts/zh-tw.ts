import type { Texts } from './texts.ts';

export const zhTw: Texts = {
  kinds: {
    payout_stuck: {
      title: '有一筆付款卡住了',
      detail: ({ payoutId, state, minutes }) =>
        `付款 ${payoutId} 處於 ${state} 狀態已有 ${minutes} 分鐘。`,
      nextStep:
        '請查看該付款及其交易。如果手續費過低，請提高手續費；如果缺少核准，請核准或取消該付款。',
    },
    payout_failing: {
      title: '付款一再失敗',
      detail: ({ processor, failures, reason }) =>
        `處理器 ${processor} 已連續失敗 ${failures} 次。最近一次的原因：${reason}`,
      nextStep: '請排除上述原因，或在排除之前暫停該處理器。',
    },
    fee_above_policy: {
      title: '網路手續費高於您的上限，付款正在等待',
      detail: ({ feeRateSatPerVb, maxFeeRateSatPerVb }) =>
        `網路目前費率為 ${feeRateSatPerVb} sat/vB；您的政策最多允許 ${maxFeeRateSatPerVb} sat/vB。`,
      nextStep: '請等待手續費下降，或提高處理器手續費政策中的上限。',
    },
    hot_wallet_low: {
      title: '付款錢包餘額不足',
      detail: ({ balanceSats, thresholdSats }) =>
        `餘額為 ${balanceSats} 聰；門檻為 ${thresholdSats} 聰。`,
      nextStep: '請向該錢包的儲值地址轉入比特幣，或降低門檻。',
    },
    reconciliation_break: {
      title: '鏈上餘額與帳本不一致',
      detail: ({ ledgerSats, chainSats, differenceSats }) =>
        `帳本為 ${ledgerSats} 聰，鏈上為 ${chainSats} 聰，相差 ${differenceSats} 聰。`,
      nextStep: '請暫停付款，然後查看對帳所列出的交易。在查明原因之前，請勿修改帳本。',
    },
    signer_unavailable: {
      title: '簽名器沒有回應',
      detail: ({ reason }) => `無法為付款簽名：${reason}`,
      nextStep: '請檢查簽名器程序是否正在執行並已解鎖；詳情見其日誌。',
    },
    node_unavailable: {
      title: '無法跟隨比特幣節點',
      detail: ({ reason }) => `在恢復之前無法看到任何收款：${reason}`,
      nextStep: '請執行 quittance doctor，並檢查節點是否正在執行且已同步。',
    },
    lightning_balance_break: {
      title: '閃電網路節點與帳簿不一致',
      detail: ({ alias, bookMsat, nodeMsat, differenceMsat }) =>
        `帳簿為 ${bookMsat} 毫聰，節點 ${alias} 為 ${nodeMsat}：相差 ${differenceMsat}。`,
      nextStep:
        '請檢查節點：是否開啟或關閉了通道、產生了通道費用，或有繞過 Quittance 送出的付款。查明原因後，將其記為該節點的調整。',
    },
    lightning_node_unavailable: {
      title: '您的閃電網路節點沒有回應',
      detail: ({ alias, minutes, reason }) =>
        `節點 ${alias} 已有 ${minutes} 分鐘無法讀取：${reason}`,
      nextStep:
        '請檢查節點是否在執行並已同步，其位址與憑證是否仍然有效。在此期間訂單透過鏈上支付；節點恢復後，已透過閃電網路支付的款項會入帳。',
    },
    lightning_payment_unexplained: {
      title: '您的閃電節點付出了一筆此處沒有記錄的款項',
      detail: ({ paymentHash, amountMsat, reason }) =>
        `付款 ${paymentHash}，金額 ${amountMsat} msat：${reason}`,
      nextStep: '請查明是誰使用了該節點，然後依照維運手冊 stuck-lightning-payout 記帳。',
    },
    lightning_late_payment: {
      title: '一筆已記為失敗的閃電付款最終仍被付出',
      detail: ({ payoutId, paymentHash, amountMsat }) =>
        `付款 ${payoutId} 的一次嘗試因節點未收到而記為失敗，但節點現已付出：${amountMsat} msat，${paymentHash}。該款項已入帳；若先前未以其他方式付清，該付款即視為已付。`,
      nextStep:
        '請確認收款人是否被重複支付；如有，請要求退回第二筆款項。然後檢查與節點的連線：有請求延遲了數分鐘才送達。',
    },
    lightning_outbound_low: {
      title: '閃電網路的可發送額度不足',
      detail: ({ sendableSats, thresholdSats }) =>
        `通道目前可發送 ${sendableSats} 聰；門檻為 ${thresholdSats} 聰。`,
      nextStep: '請開設通道，將流動性移到您這一側，或降低門檻。',
    },
    lightning_payments_failing: {
      title: '大多數閃電付款失敗',
      detail: ({ failed, attempts, reason }) =>
        `最近一小時的 ${attempts} 次嘗試中有 ${failed} 次失敗。最近一次的原因：${reason}`,
      nextStep: '請查看各筆付款的嘗試記錄，以及您的通道和對等節點。',
    },
    payouts_held: {
      title: '付款已被暫停',
      detail: ({ reason }) => `在您放行之前不會付出任何款項：${reason}`,
      nextStep:
        '請依照 backup-restore 操作手冊將付款與鏈上紀錄核對，然後執行 quittance restored --release。',
    },
    risk_screening_stuck: {
      title: '部分付款等待檢核',
      detail: ({ payments, reason }) =>
        `${payments} 筆付款目前無法檢核，檢核完成之前不會計入：${reason}`,
      nextStep:
        '請查看比特幣節點是否正在執行並已同步。不會有任何遺失；節點恢復回應後檢核會自動繼續。',
    },
    screening_list_stale: {
      title: '篩查名單已過期',
      detail: ({ list, hours, maxHours }) =>
        `名單 ${list} 已有 ${hours} 小時未更新，上限為 ${maxHours} 小時。此後新列入的人員和地址無法被發現。`,
      nextStep: '請匯入該名單的最新版本，並由另一人簽核。',
    },
  },
  severities: { info: '提示', warning: '警告', critical: '嚴重' },
  causes: {
    opened: '',
    reopened: '再次出現：',
    escalated: '已加重：',
    reminder: '仍未解決：',
    resolved: '已解決：',
  },
  colon: '：',
  labels: {
    todo: '處理辦法',
    store: '商店',
    severity: '級別',
    since: '開始時間',
    resolvedAt: '解決時間',
    count: '出現次數',
    alert: '警報',
  },
  instance: '本 Quittance 伺服器',
  whyYou: '您收到此郵件，是因為您的地址在商店設定的警報信箱中。',
  whyOperator: '您收到此郵件，是因為您的地址在伺服器的 smtp.operatorEmails 中。',
  limit: (perHour) =>
    `這是一小時內的第 ${perHour} 封郵件。本小時內的其他警報只透過 webhook 和警報清單通知。`,
};
