import { Checkout } from '../components/checkout.ts';
import { Receipt } from '../components/receipt.ts';
import { DATA_ELEMENT_ID, type PageData, ROOT_ELEMENT_ID } from '../model.ts';
import { isSettled, screenOf } from '../screen.ts';
import { everySecond, serverClock } from './clock.ts';
import { followOrder } from './live.ts';
import { takeOver } from './page.ts';
import { createSound } from './sound.ts';
import { browserWorld } from './world.ts';

const root = document.getElementById(ROOT_ELEMENT_ID);
const json = document.getElementById(DATA_ELEMENT_ID)?.textContent;
if (root !== null && typeof json === 'string') start(JSON.parse(json) as PageData, root);

function start(data: PageData, root: HTMLElement): void {
  const clock = serverClock(data.view.serverTime);
  const sound = createSound();
  const isReceipt = data.page === 'receipt';
  const page = takeOver(root, isReceipt ? Receipt : Checkout, data, { clock, sound });
  if (isReceipt) return;

  for (const gesture of ['pointerdown', 'keydown'] as const) {
    addEventListener(gesture, () => sound.unlock(), { passive: true });
  }
  let cutOff = false;
  const live = followOrder(
    data.view,
    browserWorld(data.paths),
    // An answer that was under way when the network went does not mean that it is back.
    { view: page.show, reachable: (yes) => page.set({ offline: !yes || cutOff }) },
    (view) => isSettled(screenOf(view, clock.nowMs())),
  );
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.wake({ reconnect: false });
  });
  addEventListener('online', () => {
    cutOff = false;
    live.wake({ reconnect: true });
  });
  addEventListener('offline', () => {
    cutOff = true;
    page.set({ offline: true });
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) live.wake({ reconnect: true });
  });
  everySecond((jumped) => {
    const { timeIsUp } = page.tick();
    if (jumped) live.wake({ reconnect: true });
    else if (timeIsUp) live.wake({ reconnect: false });
  });
}
