/**
 * A signal that is aborted by the first SIGINT or SIGTERM.
 *
 * @param onSignal gets the number of each, counted from 1
 */
export function interruptSignal(onSignal: (count: number) => void = () => {}): AbortSignal {
  const controller = new AbortController();
  let count = 0;
  const stop = () => {
    controller.abort();
    onSignal(++count);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
  return controller.signal;
}
