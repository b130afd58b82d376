import type { ServerOptions } from '../../config/judge-options.js';
import { onlyVideo, type VisualFile } from '../../dataset/visual.js';
import type { ChatRequest } from '../../judge/chat-call.js';
import { ChatServer } from '../../judge/chat-server.js';
import { ReplyCache } from '../../judge/reply-cache.js';
import { checkLength, unreadable } from '../../prompt/sample-length.js';
import type { PromptSettings } from '../../prompt/sample-prompt.js';
import { promptText } from '../../tasks/words.js';
import type { FrameCache } from '../../video/frame-cache.js';
import type { Frames } from '../../video/frames.js';
import { loadFrames } from '../../video/load-frames.js';
import { loadPicture } from '../../video/picture.js';
import { pictureUrl, pictureUrls } from '../../video/picture-url.js';
import type { Answerer } from '../answerer.js';
import type { Trial } from '../trials.js';

type Messages = ChatRequest['messages'];
type Parts = Exclude<Extract<Messages[number], { role: 'user' }>['content'], string>;

/** Sides of frames are multiples of this, as for the Qwen models; others scale them as they like. */
const FACTOR = 28;

/** A model behind an OpenAI-compatible server, which is shown a video as its frames, each with its time. */
export function serverAnswerer(options: {
  server: ServerOptions;
  settings: PromptSettings;
  cache?: FrameCache;
  warn: (message: string) => void;
  signal?: AbortSignal;
}): Answerer<Messages> & Pick<ChatServer, 'bill'> {
  const { server, settings, signal } = options;
  const chat = new ChatServer(server, { signal });
  const ask = async (request: ChatRequest, failed: (reason: string) => void) => {
    try {
      const { content, usage } = await chat.complete({
        request,
        key: ReplyCache.key([server.base_url, request]),
        accept: (text) => text || undefined,
      });
      return { text: content, ...(usage.output > 0 && { tokens: usage.output }) };
    } catch (error) {
      failed((error as Error).message);
      return null;
    }
  };
  return {
    isBatched: false,
    bill: () => chat.bill(),
    prepare: (question) => messagesOf({ ...options, question }),
    length: (messages) => JSON.stringify(messages).length,
    answer: ({ prepared, numGenerations, sampling, uniform, failed }) =>
      Promise.all(
        prepared.map((messages, b) =>
          Promise.all(
            Array.from({ length: numGenerations }, (_, generation) => {
              const { temperature, top_p, max_completion_length } = sampling;
              const seed = Math.floor(uniform(b, generation, 0) * 2 ** 31);
              const drawn = temperature === 0 ? { temperature } : { temperature, top_p, seed };
              return ask({ model: server.model, messages, max_tokens: max_completion_length, ...drawn }, failed);
            }),
          ),
        ),
      ),
  };

  async function messagesOf(args: typeof options & { question: Pick<Trial, 'asked' | 'style' | 'change'> }) {
    const { question } = args;
    const { asked, style, change } = question;
    const { classes, prompt_templates: templates, system_prompt: system } = settings;
    const parts: Parts = [];
    for (const visual of asked.visuals) {
      const frames = await see(args, visual).catch(unreadable(visual.file));
      if (onlyVideo(asked.visuals) !== undefined)
        await checkLength({
          sample: asked,
          frames,
          pastEnd: settings.past_the_end,
          bounds: settings.video,
          warn: args.warn,
        });
      const shown = change === undefined ? frames : change(frames);
      if (shown === null) return null;
      parts.push(...(await partsOf(visual, shown)));
    }
    parts.push({ type: 'text', text: promptText({ sample: asked, style, classes, templates }) });
    const user: Messages[number] = { role: 'user', content: parts };
    return system === undefined ? [user] : [{ role: 'system' as const, content: system }, user];
  }
}

function see(
  { settings, cache }: { settings: PromptSettings; cache?: FrameCache },
  { kind, file, part }: VisualFile,
): Promise<Frames> {
  if (kind === 'image') return loadPicture({ file, settings: settings.image, factor: FACTOR });
  return loadFrames({ file, part, settings: settings.video, factor: FACTOR, cache });
}

async function partsOf({ kind }: VisualFile, frames: Frames): Promise<Parts> {
  const image = (url: string) => ({ type: 'image_url' as const, image_url: { url } });
  if (kind === 'image') return [image(await pictureUrl(frames, 0))];
  const urls = await pictureUrls(frames);
  return urls.flatMap((url, i) => [
    { type: 'text' as const, text: `Frame at ${frames.times[i]!.toFixed(1)} s:` },
    image(url),
  ]);
}
