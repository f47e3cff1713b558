import { h, hydrate } from 'preact';
import { Checkout } from '../components/checkout.ts';
import { Receipt } from '../components/receipt.ts';
import { DATA_ELEMENT_ID, initialState, type PageData, ROOT_ELEMENT_ID } from '../model.ts';

const root = document.getElementById(ROOT_ELEMENT_ID);
const json = document.getElementById(DATA_ELEMENT_ID)?.textContent;
if (root !== null && json != null) {
  const data = JSON.parse(json) as PageData;
  const component = data.page === 'receipt' ? Receipt : Checkout;
  const nowMs = Date.parse(data.view.serverTime);
  hydrate(h(component, { ...data, nowMs, state: initialState, actions: null }), root);
}
