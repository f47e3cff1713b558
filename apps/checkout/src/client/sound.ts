const STORAGE_KEY = 'quittance.sound';

export interface Sound {
  isOn(): boolean;
  /** Turns it on or off and remembers the choice for this store's pages. */
  toggle(): boolean;
  /** Browsers allow sound only after the payer has touched the page: call it on each gesture. */
  unlock(): void;
  /** Two soft rising notes, when the payment is seen. Silent when off or not allowed. */
  chime(): void;
}

/** The chime of a payment, synthesised: no file to load. */
export function createSound(): Sound {
  let on = remembered();
  let context: AudioContext | undefined;
  return {
    isOn: () => on,
    toggle() {
      on = !on;
      remember(on);
      return on;
    },
    unlock() {
      if (!on || context !== undefined || typeof AudioContext === 'undefined') return;
      context = new AudioContext();
    },
    chime() {
      if (!on || context === undefined || context.state !== 'running') return;
      note(context, 659.26, 0);
      note(context, 987.77, 0.13);
    },
  };
}

function note(context: AudioContext, hertz: number, delaySeconds: number): void {
  const start = context.currentTime + delaySeconds;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.12, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.5);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.55);
}

/** Storage may be forbidden (private windows, embedded browsers): then the default holds. */
function remembered(): boolean {
  try {
    return localStorage.getItem(STORAGE_KEY) !== 'off';
  } catch {
    return true;
  }
}

function remember(on: boolean): void {
  try {
    localStorage.setItem(STORAGE_KEY, on ? 'on' : 'off');
  } catch {
    // The choice then lasts as long as the page.
  }
}
