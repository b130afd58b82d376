import { stat } from 'node:fs/promises';
import path from 'node:path';
import { runFiles } from '../run/run-folder.js';
import { reply, replyPage, serveOnLoopback } from './loopback.js';

/** A page is made anew no earlier than after so many milliseconds, and so many times the time that the last one took. */
const [AT_LEAST, TIMES] = [20_000, 60];

/**
 * Serves a report on the loopback while its runs go on. The page asks what is new every few seconds, which costs a look
 * at the files; it is made anew only when somebody looks at it and a run has gone on, and leaves the run the processor.
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
  let made: { news: string; until: number; page: Promise<string> } | undefined;
  /** What the page that would be served now was, or would be, made of. */
  const dueNews = async () => {
    const now = await newsOf(folders);
    return made === undefined || performance.now() > made.until ? now : made.news;
  };
  const current = async () => {
    const news = await dueNews();
    if (made?.news === news) return made;
    const began = performance.now();
    const one = { news, until: Number.POSITIVE_INFINITY, page: make() };
    made = one;
    one.page.then(
      () => {
        one.until = performance.now() + Math.max(AT_LEAST, TIMES * (performance.now() - began));
      },
      // The next one who asks tries again.
      () => {
        made = undefined;
      },
    );
    return one;
  };
  await serveOnLoopback({
    ...serving,
    handle: async ({ url }, response) => {
      if (url === '/') return replyPage(response, await (await current()).page);
      // It changes when there is another page to be had, not at each step.
      if (url === '/news') return reply(response, 200, { news: await dueNews() });
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
