/** Giving way to the event loop. */

/**
 * Resolves in a later task, so that signals, timers, input and finalizers have their turn: a loop that only awaits
 * values that are there already would keep all of them out. Node's `setImmediate`, or a message to oneself in browsers,
 * whose timers wait for 4 ms.
 */
export function nextTask(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate !== undefined) return new Promise((resolve) => void setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
