/** Turns of the event loop: real ones, also where a test has put other timers in the place of the global ones since. */
const { setImmediate } = globalThis;

export function inNextTurn(action: () => void): void {
  setImmediate(action);
}

export function nextTurn(): Promise<void> {
  return new Promise(inNextTurn);
}
