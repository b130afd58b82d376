import { parentPort, workerData } from 'node:worker_threads';
import { createJiti } from 'jiti';
import type { RewardFunction } from './module-api.js';
import type { ThreadReply, ThreadRequest } from './scoring-thread.js';

/** The thread of a reward module: loads it, then answers one group after the other. */
const { file } = workerData as { file: string };
const port = parentPort!;
const say = (reply: ThreadReply) => port.postMessage(reply);

const score = await createJiti(import.meta.url).import<RewardFunction>(file, { default: true });
if (typeof score !== 'function') throw new TypeError('its default export is not a function');

port.on('message', async ({ id, group }: ThreadRequest) => {
  try {
    say({ id, returned: await score(group) });
  } catch (error) {
    say({ id, error: `it threw: ${error instanceof Error ? error.message : String(error)}` });
  }
});
say({ ready: true });
