import { REFUND_DATA_ID, type RefundPageData } from '../refund/model.ts';
import { copyText } from './copy.ts';

/** How often the state is asked for; a payment waits for people and blocks, not for seconds. */
const ASK_EVERY_MS = 10_000;
/** How long a button says that it has copied. */
const COPIED_MS = 2_000;

const json = document.getElementById(REFUND_DATA_ID)?.textContent;
if (typeof json === 'string') start(JSON.parse(json) as RefundPageData);

/** The page is complete without it: it copies, keeps a form from going twice, and looks for news. */
function start(data: RefundPageData): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    button.addEventListener('click', () => void copy(button, data.copied));
  }
  for (const form of document.querySelectorAll('form')) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent === 'yes') {
        event.preventDefault();
        return;
      }
      form.dataset.sent = 'yes';
      // Not disabled: a disabled button would not be sent, and focus would be lost.
      if (event.submitter instanceof HTMLButtonElement) {
        event.submitter.setAttribute('aria-disabled', 'true');
        if (event.submitter.value === 'claim') event.submitter.textContent = data.sending;
      }
    });
  }
  // A page that comes back from the browser's memory may send its form once more.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  if (data.stateUrl !== null) follow(data.stateUrl, data);
}

async function copy(button: HTMLButtonElement, copied: string): Promise<void> {
  const text = document.getElementById(button.dataset.copy ?? '')?.textContent ?? '';
  const label = button.querySelector('span');
  if (!(await copyText(text)) || label === null) return;
  const before = label.textContent;
  label.textContent = copied;
  setTimeout(() => {
    label.textContent = before;
  }, COPIED_MS);
}

function follow(url: string, shown: RefundPageData): void {
  const ask = async () => {
    if (document.visibilityState === 'visible' && (await hasNews(url, shown))) location.reload();
    else setTimeout(() => void ask(), ASK_EVERY_MS);
  };
  setTimeout(() => void ask(), ASK_EVERY_MS);
}

async function hasNews(url: string, shown: RefundPageData): Promise<boolean> {
  try {
    const answer = await fetch(url);
    if (!answer.ok) return answer.status === 404;
    const view = (await answer.json()) as { screen: string; txid: string | null };
    return view.screen !== shown.screen || view.txid !== shown.txid;
  } catch {
    return false;
  }
}
