// Keeps the list of orders as it is on the server: a WebSocket for each open order rings, and the
// list is taken out of a fresh copy of the page. Confirmations come without a ring.
const REFRESH_MS = 4_000;
const sockets = new Map();
let loading = false;
let again = false;

async function refresh() {
  again = true;
  if (loading || document.hidden) return;
  loading = true;
  while (again) {
    again = false;
    await replaceOrders().catch(() => {});
  }
  loading = false;
}

async function replaceOrders() {
  const answer = await fetch(location.href, { cache: 'no-store' });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById('orders');
  const shown = document.getElementById('orders');
  if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) return;
  const focused = document.activeElement?.id;
  shown.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
  watch();
}

function watch() {
  const open = new Set();
  for (const element of document.querySelectorAll('[data-live]')) open.add(element.dataset.live);
  for (const [id, socket] of sockets) {
    if (open.has(id)) continue;
    sockets.delete(id);
    socket.close();
  }
  for (const id of open) if (!sockets.has(id)) listen(id);
}

function listen(id) {
  const url = new URL(`/ws/payment?orderId=${id}`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  let first = true;
  socket.addEventListener('message', () => {
    if (!first) refresh();
    first = false;
  });
  sockets.set(id, socket);
}

watch();
setInterval(refresh, REFRESH_MS);
document.addEventListener('visibilitychange', refresh);
