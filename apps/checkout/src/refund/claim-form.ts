import { h, type ComponentChild } from 'preact';
import { icon } from '../components/icons.ts';
import { AddressText } from '../components/pay.ts';
import { fill, formatSatsAsBtc, shortenMiddle } from '../format.ts';
import type { RefundModel } from './model.ts';

/** Longest address and longest signature that the server looks at. */
const MAX_ADDRESS_LENGTH = 200;
const MAX_PROOF_LENGTH = 4_000;

/**
 * A plain form, sent to this page: it works without a script. First the address is checked and
 * shown once more; only the second button pays.
 */
export function ClaimForm(model: RefundModel): ComponentChild {
  const { step, locale, path } = model;
  return h(
    'form',
    { class: 'claim-form', method: 'post', action: `${path}?lang=${locale}`, noValidate: true },
    step.name === 'check' ? h(Check, model) : h(Fields, model),
  );
}

function Fields(model: RefundModel): ComponentChild {
  const { view, step, messages } = model;
  const problem = step.name === 'form' ? step.problem : null;
  const prefix = prefixOf(model);
  return [
    labelled(
      {
        name: 'address',
        label: messages.addressLabel,
        hint: fill(messages.addressHint, { prefix }),
        problem: problem?.field === 'address' ? fill(messages[problem.code], { prefix }) : null,
      },
      (described: object) =>
        h('input', {
          ...described,
          ...plainText,
          type: 'text',
          value: step.address,
          maxLength: MAX_ADDRESS_LENGTH,
          class: 'field code',
        }),
    ),
    view.proofMessage === null ? null : h(MessageToSign, model),
    view.proofMessage === null
      ? null
      : labelled(
          {
            name: 'proof',
            label: messages.proofLabel,
            hint: messages.proofHint,
            problem: problem?.field === 'proof' ? messages[problem.code] : null,
          },
          (described: object) =>
            h(
              'textarea',
              {
                ...described,
                ...plainText,
                rows: 3,
                maxLength: MAX_PROOF_LENGTH,
                class: 'field code',
              },
              step.proof,
            ),
        ),
    h('button', { class: 'button main', name: 'step', value: 'check' }, messages.goOn),
  ];
}

/** What is typed is no language and no name: nobody shall correct or complete it. */
const plainText = {
  autoComplete: 'off',
  autoCapitalize: 'off',
  autoCorrect: 'off',
  spellcheck: false,
  required: true,
  dir: 'ltr',
} as const;

/** A control with its label, its hint and what is wrong with it, tied together for every reader. */
function labelled(
  {
    name,
    label,
    hint,
    problem,
  }: Record<'name' | 'label' | 'hint', string> & {
    problem: string | null;
  },
  control: (described: object) => ComponentChild,
): ComponentChild {
  const described = {
    id: name,
    name,
    'aria-describedby': problem === null ? `${name}-hint` : `${name}-problem ${name}-hint`,
    ...(problem === null ? {} : { 'aria-invalid': 'true', autoFocus: true }),
  };
  return h(
    'div',
    { class: problem === null ? 'labelled' : 'labelled wrong' },
    h('label', { for: name }, label),
    problem === null
      ? null
      : h('p', { id: `${name}-problem`, class: 'problem', role: 'alert' }, problem),
    control(described),
    h('p', { id: `${name}-hint`, class: 'aside' }, hint),
  );
}

function MessageToSign({ view, messages }: RefundModel): ComponentChild {
  return h(
    'div',
    { class: 'labelled' },
    h('p', { class: 'label' }, messages.messageLabel),
    h('p', { class: 'to-sign code', id: 'message' }, view.proofMessage),
    h(
      'button',
      { type: 'button', class: 'button copy script-only', 'data-copy': 'message' },
      icon('copy'),
      h('span', { 'aria-live': 'polite' }, messages.copyMessage),
    ),
  );
}

/** The last step names the amount and the destination on the button that can not be taken back. */
function Check(model: RefundModel): ComponentChild {
  const { view, step, locale, messages } = model;
  const amount = formatSatsAsBtc(view.payoutSats, locale);
  // Two word joiners keep both ends of the address on one line.
  const address = shortenMiddle(step.address).replace('…', '\u2060…\u2060');
  return [
    h('p', { class: 'whole-address' }, h(AddressText, { address: step.address })),
    h('input', { type: 'hidden', name: 'address', value: step.address }),
    h('input', { type: 'hidden', name: 'proof', value: step.proof }),
    h(
      'button',
      { class: 'button main', name: 'step', value: 'claim' },
      fill(messages.send, { amount, address }),
    ),
    h('button', { class: 'button', name: 'step', value: 'edit' }, messages.change),
  ];
}

/** How an address begins here, by its kinds. */
function prefixOf({ view, locale }: RefundModel): string {
  const kinds = view.network === 'mainnet' ? [view.addressPrefix, '3', '1'] : [view.addressPrefix];
  const list = new Intl.ListFormat(locale, { type: 'disjunction' });
  return list.format(kinds);
}
