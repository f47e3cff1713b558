/** Loaded into the server under measurement: collects garbage and tells what is left when asked. */
export type MemoryAnswer = {
  heapUsed: number;
  arrayBuffers: number;
  external: number;
  rss: number;
};

process.on('message', (message) => {
  if (message !== 'memory') return;
  // Twice: what only a finaliser held goes with the second.
  globalThis.gc?.();
  setTimeout(() => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers, external, rss } = process.memoryUsage();
    process.send?.({ heapUsed, arrayBuffers, external, rss } satisfies MemoryAnswer);
  }, 200);
});
