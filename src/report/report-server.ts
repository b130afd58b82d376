import { stat } from 'node:fs/promises';
import path from 'node:path';
import { runFiles } from '../run/run-folder.js';
import { reply, replyPage, serveOnLoopback } from './loopback.js';

/** Milliseconds between two looks at the runs: a page is not made more often, whoever asks. */
const AT_MOST_EVERY = 15_000;

/**
 * Serves a report on the loopback while its runs go on. The page asks what is new every few seconds, which costs a look
 * at the files; it is made anew only when somebody looks at it and a run has gone on.
 *
 * @param make the page, as it is now
 */
export async function serveReport(args: {
  folders: readonly string[];
  port: number;
  make: () => Promise<string>;
  onListening: (port: number) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { folders, make, ...serving } = args;
  let made: { news: string; at: number; page: Promise<string> } | undefined;
  const current = async () => {
    const news = await newsOf(folders);
    if (made === undefined || (made.news !== news && performance.now() - made.at > AT_MOST_EVERY)) {
      made = { news, at: performance.now(), page: make() };
      // The next one who asks tries again.
      made.page.catch(() => {
        made = undefined;
      });
    }
    return made;
  };
  await serveOnLoopback({
    ...serving,
    handle: async ({ url }, response) => {
      if (url === '/') return replyPage(response, await (await current()).page);
      if (url === '/news') return reply(response, 200, { news: await newsOf(folders) });
      return reply(response, 404, { error: 'there is no such page' });
    },
  });
}

/** Changes as the runs go on. */
async function newsOf(folders: readonly string[]): Promise<string> {
  const files = folders.flatMap((folder) => {
    const { metrics, evaluations, finished } = runFiles(folder);
    return [metrics, evaluations, finished, path.join(folder, 'ablation.json')];
  });
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.join(' ');
}
