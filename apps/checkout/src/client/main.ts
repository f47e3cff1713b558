import type { OrderView } from '@quittance/contract';
import { type ComponentType, h, hydrate, render } from 'preact';
import { Checkout } from '../components/checkout.ts';
import { Receipt } from '../components/receipt.ts';
import { faviconOf } from '../favicon.ts';
import { plainBtc } from '../format.ts';
import {
  type CheckoutActions,
  type CopyTarget,
  DATA_ELEMENT_ID,
  initialState,
  type PageData,
  type PageModel,
  type PageState,
  QR_DIALOG_ID,
  ROOT_ELEMENT_ID,
} from '../model.ts';
import { invitesPayment, isSettled, type Screen, screenOf, toneOf } from '../screen.ts';
import { documentTitle, titleOf } from '../words.ts';
import { copyText } from './copy.ts';
import { followOrder, type Live } from './live.ts';
import { createSound } from './sound.ts';
import { browserWorld } from './world.ts';

/** How long a button says "Copied". */
const COPIED_MS = 2_000;
/** The device's two clocks drift apart by this only when it slept or somebody set the clock. */
const CLOCK_JUMP_MS = 5_000;
const ANNOUNCE_LEFT_MS = [5 * 60_000, 60_000] as const;

const root = document.getElementById(ROOT_ELEMENT_ID);
const json = document.getElementById(DATA_ELEMENT_ID)?.textContent;
if (root !== null && typeof json === 'string') start(JSON.parse(json) as PageData, root);

function start(data: PageData, root: HTMLElement): void {
  const { locale, messages, paths } = data;
  const component: ComponentType<PageModel> = data.page === 'receipt' ? Receipt : Checkout;
  const sound = createSound();
  let view = data.view;
  let state: PageState = initialState;
  // Server's clock minus this device's. The page's own data aged on its way here, which the
  // browser has measured; later answers are taken as they come.
  let offsetMs = Date.parse(view.serverTime) - (Date.now() - ageOfPageMs());
  let shown: Screen = screenOf(view, Date.parse(view.serverTime));
  let live: Live | undefined;
  let copiedTimer: ReturnType<typeof setTimeout> | undefined;

  const serverNowMs = () => Date.now() + offsetMs;

  const actions: CheckoutActions = {
    copy: (target) => void copy(target),
    enlarge: () => dialog()?.showModal(),
    shrink: () => dialog()?.close(),
    toggleSound() {
      set({ soundOn: sound.toggle() });
      sound.unlock();
    },
    print: () => window.print(),
  };

  function model(): PageModel {
    return { view, nowMs: serverNowMs(), locale, messages, paths, state, actions };
  }

  function draw(): void {
    render(h(component, model()), root);
    if (data.page === 'checkout') document.title = documentTitle(model(), serverNowMs());
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    const picture = faviconOf(toneOf(screenOf(view, serverNowMs())));
    if (icon !== null && icon.href !== picture) icon.href = picture;
  }

  function set(change: Partial<PageState>): void {
    state = { ...state, ...change };
    draw();
  }

  async function copy(target: CopyTarget): Promise<void> {
    const texts = { address: view.address, amount: plainBtc(view.remainingSats), link: view.bip21 };
    const said = {
      address: messages.copiedAddress,
      amount: messages.copiedAmount,
      link: messages.copiedLink,
    };
    const done = await copyText(texts[target]);
    clearTimeout(copiedTimer);
    set(
      done
        ? { copied: target, announcement: said[target] }
        : { copied: null, announcement: messages.copyFailed },
    );
    copiedTimer = setTimeout(() => set({ copied: null, announcement: '' }), COPIED_MS);
  }

  function show(next: OrderView): void {
    view = next;
    offsetMs = Date.parse(next.serverTime) - Date.now();
    noticeScreen();
    draw();
  }

  /** Announces a new screen; a payment that has just been seen is also heard. */
  function noticeScreen(): void {
    const screen = screenOf(view, serverNowMs());
    if (screen === shown) return;
    const wasAwaited = invitesPayment(shown);
    shown = screen;
    state = { ...state, announcement: titleOf(screen, messages) };
    const tone = toneOf(screen);
    if (wasAwaited && (tone === 'progress' || tone === 'good' || screen === 'partial')) {
      sound.chime();
    }
    if (!invitesPayment(screen)) dialog()?.close();
  }

  function watchClock(): void {
    let wall = Date.now();
    let monotonic = performance.now();
    let leftBefore = Date.parse(view.expiresAt) - serverNowMs();
    setInterval(() => {
      const jump = Date.now() - wall - (performance.now() - monotonic);
      wall = Date.now();
      monotonic = performance.now();
      if (Math.abs(jump) > CLOCK_JUMP_MS) live?.wake({ reconnect: true });
      if (!invitesPayment(shown)) return;
      const left = Date.parse(view.expiresAt) - serverNowMs();
      for (const mark of ANNOUNCE_LEFT_MS) {
        if (left > mark || leftBefore <= mark) continue;
        const minute = mark === ANNOUNCE_LEFT_MS[1];
        state = {
          ...state,
          announcement: minute ? messages.minuteLeftAnnounce : messages.fiveMinutesLeftAnnounce,
        };
      }
      leftBefore = left;
      if (left <= 0) live?.wake({ reconnect: false });
      noticeScreen();
      draw();
    }, 1_000);
  }

  hydrate(h(component, { ...model(), nowMs: Date.parse(view.serverTime), actions }), root);
  set({ timeZone: undefined, soundOn: sound.isOn() });
  for (const gesture of ['pointerdown', 'keydown'] as const) {
    addEventListener(gesture, () => sound.unlock(), { passive: true });
  }
  if (data.page === 'receipt') return;
  live = followOrder(
    view,
    browserWorld(paths),
    { view: show, reachable: (yes) => state.offline === yes && set({ offline: !yes }) },
    (order) => isSettled(screenOf(order, serverNowMs())),
  );
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live?.wake({ reconnect: false });
  });
  addEventListener('online', () => live?.wake({ reconnect: true }));
  addEventListener('pageshow', (event) => {
    if (event.persisted) live?.wake({ reconnect: true });
  });
  addEventListener('offline', () => set({ offline: true }));
  watchClock();
}

function dialog(): HTMLDialogElement | null {
  return document.querySelector<HTMLDialogElement>(`#${QR_DIALOG_ID}`);
}

/** Milliseconds since the page's first byte arrived here. */
function ageOfPageMs(): number {
  const [navigation] = performance.getEntriesByType('navigation');
  const arrivedMs =
    navigation instanceof PerformanceNavigationTiming ? navigation.responseStart : 0;
  return arrivedMs > 0 ? performance.now() - arrivedMs : 0;
}
