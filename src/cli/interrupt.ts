/**
 * A signal that is aborted by the first SIGINT or SIGTERM; the second leaves at once.
 *
 * @param onFirst tells people what happens now
 */
export function interruptSignal(onFirst: () => void): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    onFirst();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
  return controller.signal;
}
