/** How to spawn what is to run as if it were typed in at a terminal, also where the tests themselves run under `nohup`. */
export const asTyped = (env: NodeJS.ProcessEnv = {}) => ({
  // In a session of its own, past which nobody looks for one who ignores SIGHUP.
  detached: true,
  // The shell's word for what it has started.
  env: { ...process.env, _: undefined, ...env },
});
