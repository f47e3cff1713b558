import type { ListEntry } from '../screening/index.ts';
import type { Customer } from './customer.ts';

/** A customer as it is when taken in, for tests of what is decided about it. */
export function newTestCustomer(changed: Partial<Customer> = {}): Customer {
  return {
    merchantId: '00000000-0000-7000-8000-000000000001',
    id: '00000000-0000-7000-8000-000000000002',
    kind: 'person',
    state: 'pending',
    verifiedLevel: 'none',
    verifiedAtMs: null,
    validUntilMs: null,
    reviewDueAtMs: null,
    reviewToldAtMs: null,
    risk: 'low',
    riskReasons: [],
    riskOverride: null,
    pep: false,
    block: null,
    ownerBlocked: false,
    endedAtMs: null,
    screenDueAtMs: 0,
    screenedAtMs: null,
    screenedWith: [],
    sealedKey: new Uint8Array([1]),
    sealedProfile: new Uint8Array([1]),
    erasedAtMs: null,
    version: 1,
    createdBy: 'key:1',
    createdAtMs: 0,
    updatedAtMs: 0,
    ...changed,
  };
}

/** A person on a list, made up. */
export function listedPerson(id: string, name: string): ListEntry {
  return {
    ...{ list: 'test', id, schema: 'Person', birthDates: [], countries: [], gender: null },
    names: [{ text: name, kind: 'primary', script: 'latin' }],
    ...{ addresses: [], label: null, topics: [] },
  };
}
