import { h, type ComponentChild } from 'preact';
import { methodOf, type PageModel, type PayMethod, payMethods } from '../model.ts';
import type { Messages } from '../strings/en.ts';

/** The ways to pay. Links, so that they work without script too. */
export function Methods(model: PageModel): ComponentChild {
  const { locale, messages, paths, actions } = model;
  const chosen = methodOf(model);
  return h(
    'nav',
    { class: 'methods', 'aria-label': messages.payWith },
    payMethods.map((method) =>
      h(
        'a',
        {
          href: `${paths.page}?lang=${locale}&pay=${method}`,
          'aria-current': method === chosen ? 'true' : undefined,
          onClick:
            actions === null
              ? undefined
              : (event: Event) => {
                  event.preventDefault();
                  actions.choose(method);
                },
        },
        nameOf(method, messages),
      ),
    ),
  );
}

function nameOf(method: PayMethod, messages: Messages): string {
  switch (method) {
    case 'any':
      return messages.methodAny;
    case 'onchain':
      return messages.methodOnchain;
    case 'lightning':
      return messages.methodLightning;
  }
}
