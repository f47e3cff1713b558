import { h, type ComponentChildren, type ComponentChild } from 'preact';
import { fill } from '../format.ts';
import { webLink } from '../links.ts';
import { locales, type Locale } from '../locale.ts';
import type { PageModel } from '../model.ts';
import { icon } from './icons.ts';

const languageNames: Record<Locale, string> = {
  en: 'English',
  'zh-CN': '简体中文',
  'zh-TW': '繁體中文',
};

/** Store's name and logo; its first letter stands in for a missing logo. */
export function StoreHeader(props: {
  store: { name: string; logoUrl: string | null };
  logoFailed?: boolean;
  children?: ComponentChildren;
}): ComponentChild {
  const { name, logoUrl } = props.store;
  const logo = props.logoFailed === true ? null : webLink(logoUrl);
  return h(
    'header',
    { class: 'store' },
    logo === null
      ? h('span', { class: 'logo', 'aria-hidden': 'true' }, firstLetter(name))
      : h('img', { class: 'logo', src: logo, alt: '', width: 32, height: 32 }),
    h('p', { class: 'store-name' }, name),
    props.children,
  );
}

export function SoundButton({ messages, state, actions }: PageModel): ComponentChild {
  const label = state.soundOn ? messages.soundOff : messages.soundOn;
  return h(
    'button',
    {
      type: 'button',
      class: 'quiet script-only',
      'aria-label': label,
      title: label,
      onClick: actions?.toggleSound,
    },
    icon(state.soundOn ? 'soundOn' : 'soundOff'),
  );
}

function firstLetter(name: string): string {
  return String.fromCodePoint(name.codePointAt(0) ?? 0x20).toUpperCase();
}

/** Said loudly, because a payer who sends real bitcoin to a test address loses it. */
export function TestNetworkNote({
  view,
  messages,
}: {
  view: { network: string };
  messages: { testNetwork: string };
}): ComponentChild | null {
  if (view.network === 'mainnet') return null;
  return h('p', { class: 'note test' }, fill(messages.testNetwork, { network: view.network }));
}

export function OfflineNote({ state, messages }: PageModel): ComponentChild | null {
  return state.offline ? h('p', { class: 'note offline' }, messages.offline) : null;
}

/** What a screen reader reads out: state changes, copies, the time running short. */
export function Announcer({ state }: PageModel): ComponentChild {
  return h('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' }, state.announcement);
}

export function PageFooter({ model, base }: { model: PageModel; base: string }): ComponentChild {
  return h(
    'footer',
    { class: 'foot' },
    h('p', null, model.messages.secured),
    h(LanguageNav, { locale: model.locale, base }),
  );
}

export function LanguageNav(props: { locale: string; base: string }): ComponentChild {
  return h(
    'nav',
    { 'aria-label': 'Language · 语言 · 語言' },
    locales.map((locale) =>
      locale === props.locale
        ? h('span', { 'aria-current': 'true', lang: locale }, languageNames[locale])
        : h(
            'a',
            { href: `${props.base}?lang=${locale}`, lang: locale, hreflang: locale },
            languageNames[locale],
          ),
    ),
  );
}

/** The one large figure; longer ones are set smaller, so that they stay on one line of a phone. */
export function Price({ text, said }: { text: string; said?: string }): ComponentChild {
  const size = text.length <= 12 ? '' : text.length <= 16 ? ' long' : ' longer';
  return h(
    'p',
    { class: `price${size}` },
    said === undefined ? null : h('span', { class: 'unseen' }, said),
    text,
  );
}

/** A fact: term and value side by side, or below each other when the value is long. */
export function Row(props: {
  term: string;
  long?: boolean;
  children?: ComponentChildren;
}): ComponentChild {
  return h(
    'div',
    { class: props.long === true ? 'row long' : 'row' },
    h('dt', null, props.term),
    h('dd', null, props.children),
  );
}
