import type { TestApi, TestMerchant } from './api.ts';

/** What a store files, in the words of its routes. */
const facts = {
  ...{ kind: 'sar', filingDate: '2026-01-31', report: 'initial', subjects: [] },
  activity: { from: '2026-01-01', kinds: [{ code: 821 }] },
  narrative: 'Somebody sent bitcoin from a listed address.',
};
const address = {
  ...{ street: '1 Main St', city: 'Vienna', state: 'VA', postCode: '22102', country: 'US' },
};
const reporter = {
  ...{ name: 'Store', tin: '123456789', tinKind: 'ein', regulator: 'irs', institution: 'msb' },
  ...{ address, phone: '7035550100', contactOffice: 'Office', contactPhone: '7035550100' },
  ...{ transmitterContact: 'Jane Roe', transmitterControlCode: 'PTCC1234' },
};
const vasp = {
  legalPerson: {
    name: {
      nameIdentifier: [{ legalPersonName: 'Store', legalPersonNameIdentifierType: 'LEGL' }],
    },
    nationalIdentification: {
      ...{ nationalIdentifier: '506700T7Z685VUOZL877', nationalIdentifierType: 'LEIX' },
    },
  },
};
const message = {
  originator: { originatorPersons: [vasp] },
  beneficiary: { beneficiaryPersons: [vasp] },
};
const travelSettings = { enabled: true, regime: 'eu', vasp };
const reason = { reason: 'x' };
const answer = { status: 'accepted', authorityId: '31000000000001' };
const approval = { documentSha256: '0'.repeat(64), acceptUnvalidated: true };
const ownWallet = { kind: 'self_hosted' };
const created = { kind: 'sar', facts };

/** Bodies that the owner's requests would be accepted with, by operation. */
export const filingBodies: Record<string, unknown> = {
  setFilingReporter: reporter,
  createFiling: created,
  editFiling: { facts, version: 1 },
  returnFiling: reason,
  approveFiling: approval,
  submitFiling: {},
  answerFiling: answer,
  withdrawFiling: reason,
  setTravelRuleSettings: { ...travelSettings, enabled: false },
  verifyTravelMessage: { message },
  createTravelTransfer: {
    payoutId: '00000000-0000-7000-8000-000000000000',
    counterparty: ownWallet,
  },
  proveTravelTransfer: { signature: 'c21w' },
  decideTravelTransfer: { accept: false, ...reason },
  confirmTravelTransfer: { cancel: 'x' },
};

/** Gives a store one of everything that is filed: what its routes name, by their path. */
export async function fillFilings(
  api: TestApi,
  { key }: TestMerchant,
  payoutId: string,
): Promise<Record<string, string>> {
  const send = async (method: string, path: string, body: unknown): Promise<string> => {
    const sent = await api.send(method, `/v1/compliance/${path}`, { key, body });
    if (sent.status >= 300) throw new Error(`${path}: ${JSON.stringify(sent.body)}`);
    return String((sent.body as { id?: string }).id);
  };
  await send('PUT', 'filing-reporter', reporter);
  await send('PUT', 'travel-rule/settings', travelSettings);
  const filing = await send('POST', 'filings', created);
  const exchange = { payoutId, counterparty: ownWallet };
  const transfer = await send('POST', 'travel-rule/transfers', exchange);
  return { 'compliance/filings': filing, 'compliance/travel-rule': transfer };
}

type Call = { path?: string; key?: string; body?: unknown };

/** A call for each POST of filings, on filings that are in the state that it needs. */
export async function filingCalls(
  api: TestApi,
  store: TestMerchant,
  makePayout: () => Promise<string>,
): Promise<Record<string, Call>> {
  const { key } = store;
  const second = await api.keyFor(store.id);
  await api.send('PUT', '/v1/compliance/filing-reporter', { key, body: reporter });
  const PATH = '/v1/compliance/filings';
  const act = async (id: string, what: string, by: string, body: unknown = {}) => {
    const sent = await api.send('POST', `${PATH}/${id}/${what}`, { key: by, body });
    if (sent.status >= 300) throw new Error(`${what}: ${JSON.stringify(sent.body)}`);
    return sent.body as { document: { sha256: string } };
  };
  const make = async (steps: number): Promise<{ id: string; sha256: string }> => {
    const made = await api.send('POST', PATH, { key, body: created });
    const id = String((made.body as { id: string }).id);
    const sha256 = steps > 0 ? (await act(id, 'prepare', key)).document.sha256 : '';
    const approved = { documentSha256: sha256, acceptUnvalidated: true };
    if (steps > 1) await act(id, 'approve', second, approved);
    if (steps > 2) await act(id, 'submit', key);
    if (steps > 3) await act(id, 'answer', key, answer);
    return { id, sha256 };
  };
  const at = async (what: string, steps: number, body: unknown = {}): Promise<Call> => ({
    path: `${PATH}/${(await make(steps)).id}/${what}`,
    body,
  });
  const toApprove = await make(1);
  const documentSha256 = toApprove.sha256;
  const travel = '/v1/compliance/travel-rule/transfers';
  return {
    [PATH]: { body: created },
    [`${PATH}/:id/prepare`]: await at('prepare', 0),
    [`${PATH}/:id/return`]: await at('return', 1, reason),
    [`${PATH}/:id/correct`]: await at('correct', 4),
    [`${PATH}/:id/approve`]: {
      ...{ path: `${PATH}/${toApprove.id}/approve`, key: second },
      body: { documentSha256, acceptUnvalidated: true },
    },
    [`${PATH}/:id/submit`]: await at('submit', 2),
    [`${PATH}/:id/answer`]: await at('answer', 3, answer),
    [`${PATH}/:id/withdraw`]: await at('withdraw', 1, reason),
    [travel]: { body: { payoutId: await makePayout(), counterparty: ownWallet } },
  };
}
