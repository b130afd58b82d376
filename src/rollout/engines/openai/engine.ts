import { setMaxListeners } from 'node:events';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import type { OpenaiEngineOptions } from '../../../config/engine-options.js';
import type { Processor } from '../../../prompt/processor.js';
import type { Prompt } from '../../../prompt/prompt.js';
import { RunError } from '../../../system/errors.js';
import { FailedTry, pauseFor } from '../../../system/failed-try.js';
import { fileExists } from '../../../system/file-exists.js';
import { Interrupted } from '../../../system/interrupted.js';
import type { Completion } from '../../completion.js';
import type { RolloutEngine, RolloutRequest } from '../../engine.js';
import { completionsOf } from './reply.js';
import { chatRequest } from './request.js';
import { type Fault, NEVER, Server } from './server.js';

/** Milliseconds. */
const PAUSES = { first: 250, longest: 15_000 };

/**
 * Samples on vLLM or SGLang servers, which are given each adapter by its folder. What they send is checked before anything
 * is made of it; a try that comes to nothing is counted, and made again at the next server.
 *
 * @param name of the run's adapters at the servers
 * @throws RunError `ROLLOUT_SERVER`
 */
export async function openaiEngine(args: {
  options: OpenaiEngineOptions;
  processor: Pick<Processor, 'tokenizer' | 'endTokenIds'>;
  name: string;
  /** Where adapters are put, unless the options say. */
  folder: string;
  /** The version that the run goes on from, −1 for a fresh one: adapters of later ones are of a way that is not gone on with. */
  start: number;
  signal: AbortSignal;
}): Promise<RolloutEngine> {
  const { options, processor, name, signal } = args;
  // Each request listens, and there are many at a time.
  setMaxListeners(0, signal, NEVER);
  const urls = [options.base_url].flat();
  const servers = urls.map((url) => new Server({ url, options }));
  const versions = await Promise.all(servers.map((server) => server.check()));
  if (new Set(versions).size > 1) {
    const message = `the servers of rollout.engine have different versions: ${servers.map((server, i) => `${server.name} ${versions[i]}`).join(', ')}`;
    throw new RunError({ code: 'ROLLOUT_SERVER', message });
  }
  const root = path.resolve(options.adapter_dir ?? args.folder);
  await removeLater({ root, name, start: args.start });
  const seenAs = options.server_adapter_dir ?? root;
  const limit = pLimit(options.concurrency);
  let current: { version: number; adapter: string } | null = null;
  let givesAdapters = false;
  let pending: Promise<unknown> = Promise.resolve();
  const faults = new Map<Fault, number>();

  const folderOf = (adapter: string) => `${seenAs}/${adapter}`;
  const insist = <T>(first: number, task: (server: Server) => Promise<T>, until = signal): Promise<T> =>
    pRetry((attempt) => task(servers[(first + attempt - 1) % servers.length]!), {
      retries: options.max_retries,
      minTimeout: 0,
      signal: until,
      shouldRetry: ({ error }) => error instanceof FailedTry,
      onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
        if (!(error instanceof FailedTry)) return;
        const fault: Fault = error.fault;
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
        if (retriesLeft > 0) await pauseFor({ attemptNumber, ...PAUSES, least: error.pause, signal: until });
      },
    });

  const complete = async (args: RolloutRequest & { prompt: Prompt; b: number }): Promise<Completion[]> => {
    const { prompt, b, numGenerations, sampling, uniform, mustEnd = false } = args;
    const until = mustEnd ? NEVER : signal;
    const { tokenizer, endTokenIds } = processor;
    const seed = Math.floor(uniform(b, 0, 0) * 2 ** 31);
    const body = await chatRequest({ prompt, numGenerations, sampling, seed, endTokenIds });
    const task = async (server: Server) => {
      const reply = await server.complete(body, until).catch(async (error) => {
        // It was started anew, perhaps.
        if (error instanceof FailedTry && error.fault === 'adapter_lost' && current !== null)
          await server.restore(folderOf(current.adapter));
        throw error;
      });
      const maxLength = sampling.max_completion_length;
      return completionsOf({ reply, prompt, numGenerations, maxLength, endTokenIds, tokenizer });
    };
    return insist(b, task, until);
  };

  return {
    sync: async (version, save) => {
      if (current?.version === version) return;
      // What is being sampled needs the adapter that it began with.
      await pending;
      givesAdapters = save !== null;
      const before = current;
      const adapter = `${name}-${version}`;
      current = { version, adapter };
      if (save === null) {
        for (const server of servers) server.adopt(adapter);
        return;
      }
      const folder = path.join(root, adapter);
      if (!(await fileExists(folder))) {
        // Whole, or not there.
        const beside = `${folder}.unfinished`;
        await rm(beside, { recursive: true, force: true });
        await mkdir(beside, { recursive: true });
        await save(beside);
        await rename(beside, folder);
      }
      const all = servers.map((server, i) => insist(i, () => server.load(adapter, folderOf(adapter))));
      await Promise.all(all).catch(interruptedOr(signal));
      if (before !== null) await rm(path.join(root, before.adapter), { recursive: true, force: true });
    },
    generate: async (request) => {
      const groups = request.prompts.map((prompt, b) => limit(() => complete({ ...request, prompt, b })));
      const all = Promise.all(groups);
      pending = Promise.allSettled([pending, ...groups]);
      const completions = await all.catch(interruptedOr(signal));
      const counted = Object.fromEntries(faults);
      faults.clear();
      return { completions, behaviour: 'recorded', pass: null, faults: counted };
    },
    close: async () => {
      // Nobody asks any more; whoever gave it takes it away.
      if (givesAdapters) await Promise.all(servers.map((server) => server.unload()));
    },
  };
}

const interruptedOr = (signal: AbortSignal) => (error: unknown) => {
  if (signal.aborted) throw new Interrupted();
  if (!(error instanceof FailedTry)) throw error;
  const message = `no server of rollout.engine gave completions that can be used (${error.message}); nothing was learned from them. See to the servers, and go on with --resume`;
  throw new RunError({ code: 'ROLLOUT_FAILED', message, cause: error });
};

async function removeLater(args: { root: string; name: string; start: number }): Promise<void> {
  const { root, name, start } = args;
  const found = await readdir(root).catch(() => [] as string[]);
  const later = found.filter((own) => own.startsWith(`${name}-`) && !(Number(own.slice(name.length + 1)) <= start));
  for (const own of later) await rm(path.join(root, own), { recursive: true, force: true });
}
