import type { OrderView } from '@quittance/contract';
import { type ComponentType, h, hydrate, render } from 'preact';
import { faviconOf } from '../favicon.ts';
import { plainBtc } from '../format.ts';
import {
  type CheckoutActions,
  type CopyTarget,
  initialState,
  type PageData,
  type PageModel,
  type PageState,
  QR_DIALOG_ID,
} from '../model.ts';
import { invitesPayment, screenOf, toneOf } from '../screen.ts';
import { documentTitle, titleOf } from '../words.ts';
import type { ServerClock } from './clock.ts';
import { copyText } from './copy.ts';
import type { Sound } from './sound.ts';

/** How long a button says "Copied". */
const COPIED_MS = 2_000;
/** The end of the paying time is announced when so much is left. */
const FIVE_MINUTES_MS = 5 * 60_000;
const ONE_MINUTE_MS = 60_000;

export interface LivePage {
  /** Shows a newer state of the order. */
  show: (view: OrderView) => void;
  /** Draws the countdown; says whether the paying time has just ended. */
  tick: () => { timeIsUp: boolean };
  set: (change: Partial<PageState>) => void;
}

/** Takes over the page that the server drew, and draws it anew as the order changes. */
export function takeOver(
  root: HTMLElement,
  component: ComponentType<PageModel>,
  data: PageData,
  { clock, sound }: { clock: ServerClock; sound: Sound },
): LivePage {
  const { locale, messages, paths } = data;
  let { view } = data;
  let state: PageState = { ...initialState, method: data.method };
  let shown = screenOf(view, Date.parse(view.serverTime));
  let leftMs = Number.POSITIVE_INFINITY;
  const actions = createActions(() => view, messages, sound, set);
  const model = (nowMs: number): PageModel => ({
    view,
    nowMs,
    locale,
    messages,
    paths,
    state,
    actions,
  });

  function draw(): void {
    const now = model(clock.nowMs());
    render(h(component, now), root);
    if (data.page === 'checkout') document.title = documentTitle(now, now.nowMs);
    setFavicon(faviconOf(toneOf(shown)));
  }

  function set(change: Partial<PageState>): void {
    state = { ...state, ...change };
    draw();
  }

  /** Announces a new screen; a payment that has just been seen is also heard. */
  function noticeScreen(): void {
    const screen = screenOf(view, clock.nowMs());
    if (screen === shown) return;
    const tone = toneOf(screen);
    const arrived = tone === 'progress' || tone === 'good' || screen === 'partial';
    if (invitesPayment(shown) && arrived) sound.chime();
    if (!invitesPayment(screen)) qrDialog()?.close();
    shown = screen;
    state = { ...state, announcement: titleOf(screen, messages) };
  }

  function noticeTime(): void {
    const beforeMs = leftMs;
    leftMs = Date.parse(view.expiresAt) - clock.nowMs();
    const passed = (markMs: number) => leftMs <= markMs && beforeMs > markMs;
    if (beforeMs === Number.POSITIVE_INFINITY) return;
    if (passed(ONE_MINUTE_MS)) state = { ...state, announcement: messages.minuteLeftAnnounce };
    else if (passed(FIVE_MINUTES_MS)) {
      state = { ...state, announcement: messages.fiveMinutesLeftAnnounce };
    }
  }

  // The first drawing repeats the server's exactly; only then the local time zone takes over.
  hydrate(h(component, model(Date.parse(view.serverTime))), root);
  set({ timeZone: undefined, soundOn: sound.isOn() });
  onLogoFailure(root, () => set({ logoFailed: true }));
  return {
    show(next) {
      view = next;
      clock.learn(next.serverTime);
      const hadFocus = root.contains(document.activeElement);
      noticeScreen();
      draw();
      // The control that was in use is gone with its screen: go on reading at the new heading
      // instead of at the top of the document.
      if (hadFocus && !root.contains(document.activeElement)) root.querySelector('h1')?.focus();
    },
    tick() {
      if (!invitesPayment(shown)) return { timeIsUp: false };
      noticeTime();
      noticeScreen();
      draw();
      return { timeIsUp: leftMs <= 0 };
    },
    set,
  };
}

function createActions(
  view: () => OrderView,
  messages: PageData['messages'],
  sound: Sound,
  set: (change: Partial<PageState>) => void,
): CheckoutActions {
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function copy(target: CopyTarget): Promise<void> {
    const { address, remainingSats, bip21, lightning } = view();
    const invoice = lightning?.bolt11 ?? '';
    const texts = { address, amount: plainBtc(remainingSats), link: bip21, invoice };
    const said = {
      address: messages.copiedAddress,
      amount: messages.copiedAmount,
      link: messages.copiedLink,
      invoice: messages.copiedInvoice,
    };
    const done = await copyText(texts[target]);
    clearTimeout(timer);
    set({
      copied: done ? target : null,
      announcement: done ? said[target] : messages.copyFailed,
    });
    timer = setTimeout(() => set({ copied: null, announcement: '' }), COPIED_MS);
  }

  return {
    copy: (target) => void copy(target),
    choose: (method) => set({ method }),
    enlarge: () => qrDialog()?.showModal(),
    shrink: () => qrDialog()?.close(),
    toggleSound() {
      set({ soundOn: sound.toggle() });
      sound.unlock();
    },
    print: () => window.print(),
  };
}

/** The picture may have failed before this script was there. */
function onLogoFailure(root: HTMLElement, act: () => void): void {
  const logo = root.querySelector<HTMLImageElement>('img.logo');
  if (logo === null) return;
  if (logo.complete && logo.naturalWidth === 0) act();
  else logo.addEventListener('error', act, { once: true });
}

function setFavicon(picture: string): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (link !== null && link.href !== picture) link.href = picture;
}

function qrDialog(): HTMLDialogElement | null {
  return document.querySelector<HTMLDialogElement>(`#${QR_DIALOG_ID}`);
}
