import type { ListEntry } from '../screening/index.ts';
import { type Customer, newCustomer } from './customer.ts';

/** A customer as it is when taken in, for tests of what is decided about it. */
export function newTestCustomer(changed: Partial<Customer> = {}): Customer {
  const own = newCustomer({
    merchantId: '00000000-0000-7000-8000-000000000001',
    id: '00000000-0000-7000-8000-000000000002',
    kind: 'person',
    sealedKey: new Uint8Array([1]),
    sealedProfile: new Uint8Array([1]),
    by: 'key:1',
    nowMs: 0,
  });
  return { ...own, ...changed };
}

/** A person on a list, made up. */
export function listedPerson(id: string, name: string): ListEntry {
  return {
    ...{ list: 'test', id, schema: 'Person', birthDates: [], countries: [], gender: null },
    names: [{ text: name, kind: 'primary', script: 'latin' }],
    ...{ addresses: [], label: null, topics: [] },
  };
}
