import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { VIDEO_BOUNDS } from '../config/data-options.js';
import { frameStrip } from '../report/frame-strip.js';
import { reply, replyPage, serveOnLoopback } from '../report/loopback.js';
import { type AnnotationFolder, annotatedSchema, type Reviewed } from './annotation-folder.js';
import { reviewPage } from './review-page.js';

/** Longer than any annotation. Bytes. */
const MAX_BODY = 2 ** 20;

const decisionSchema = z.object({
  video: z.string(),
  decision: z.enum(['accept', 'reject', 'open']),
  edited: annotatedSchema.optional(),
  /** That of the annotation that was looked at. */
  version: z.number(),
});

interface ReviewOptions {
  folder: AnnotationFolder;
  /** Of the videos, by their names in the annotations. */
  files: ReadonlyMap<string, string>;
  classes: readonly string[];
  port: number;
  say: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Serves the page on which a person accepts, edits or rejects annotations, until the signal. It is for this machine alone,
 * and for who has been told its address: other pages in the browser know neither the token nor, since names that lead here
 * are refused, the address. What is decided is on the disk before the page is told so.
 *
 * @throws UsageError `PORT_TAKEN`
 */
export async function serveReview(options: ReviewOptions): Promise<void> {
  const { folder, say, signal, port } = options;
  const token = randomBytes(16).toString('hex');
  await serveOnLoopback({
    port,
    signal,
    handle: (request, response) => handle({ ...options, token, request, response }),
    onListening: (own) => {
      say(`${folder.items.length} annotations to look at: http://127.0.0.1:${own}/?open=${token}`);
      say('Ctrl-C ends it; what was decided is kept.');
    },
  });
}

type Handling = ReviewOptions & { token: string; request: IncomingMessage; response: ServerResponse };

async function handle({ request, response, token, ...options }: Handling): Promise<void> {
  const { folder, files, classes } = options;
  const { method, headers } = request;
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const given = headers['x-token'] ?? url.searchParams.get('open');
  if (given !== token) return reply(response, 403, { error: 'the address is another' });
  if (method === 'GET' && url.pathname === '/') {
    const nonce = randomBytes(16).toString('hex');
    return replyPage(response, reviewPage({ nonce, token, classes }));
  }
  if (method === 'GET' && url.pathname === '/items') return reply(response, 200, { items: folder.items.map(itemJson) });
  if (method === 'GET' && url.pathname === '/frames') {
    const file = files.get(url.searchParams.get('video') ?? '');
    if (file === undefined) return reply(response, 404, { error: 'there is no such video' });
    const bounds = { fps: 1, max_frames: 1, min_pixels: 1, max_pixels: 1, ...VIDEO_BOUNDS };
    return reply(response, 200, await frameStrip({ file }, bounds));
  }
  if (method === 'POST' && url.pathname === '/review') return decide({ folder, request, response });
  reply(response, 404, { error: 'there is no such page' });
}

const itemJson = ({ annotated, decision, version }: Reviewed) => ({ annotated, decision: decision ?? null, version });

async function decide(args: {
  folder: AnnotationFolder;
  request: IncomingMessage;
  response: ServerResponse;
}): Promise<void> {
  const { folder, request, response } = args;
  const parsed = decisionSchema.safeParse(await bodyOf(request));
  if (!parsed.success) return reply(response, 400, { error: z.prettifyError(parsed.error) });
  const { video, decision, edited, version } = parsed.data;
  const item = folder.item(video);
  if (item === undefined || (edited !== undefined && edited.video !== video))
    return reply(response, 404, { error: 'there is no such video' });
  if (item.version !== version)
    return reply(response, 409, { error: 'it was decided elsewhere', item: itemJson(item) });
  if (edited !== undefined && new Set(edited.options.map((option) => option.toLowerCase())).size < 4)
    return reply(response, 400, { error: 'two options are the same' });
  await folder.review({ video, decision, ...(edited !== undefined && { edited }) });
  reply(response, 200, { item: itemJson(folder.item(video)!) });
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
