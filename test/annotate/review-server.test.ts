import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Annotated } from '../../src/annotate/annotate-video.js';
import { AnnotationFolder } from '../../src/annotate/annotation-folder.js';
import { serveReview } from '../../src/annotate/review-server.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { loadSamples } from '../../src/dataset/load.js';
import { folderWith } from '../folder.js';

const annotated = (video: string, more: Partial<Annotated> = {}): Annotated => ({
  video,
  question: 'What burns?',
  options: ['a car', 'a bus', 'a tree', 'a shed'],
  answer: 'A',
  key_object: 'car',
  description: '</script><script>alert(1)</script>',
  reasoning: 'It was lit.',
  class: 'Fire',
  segment: [1, 4],
  notes: [],
  ...more,
});

async function served() {
  const place = await folderWith({});
  const folder = await AnnotationFolder.open(place);
  for (const video of ['b.mp4', 'a.mp4']) await folder.add(annotated(video));
  const end = new AbortController();
  const said: string[] = [];
  const over = serveReview({
    folder,
    files: new Map(),
    classes: ['<img src=x onerror=alert(1)>'],
    port: 0,
    say: (text) => said.push(text),
    signal: end.signal,
  });
  onTestFinished(async () => {
    end.abort();
    await over;
    await folder.close();
  });
  while (said.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const [address = '', token = ''] = /http:\/\/127\.0\.0\.1:\d+\/\?open=(\w+)/.exec(said[0]!) ?? [];
  const origin = new URL(address).origin;
  const headers = { 'x-token': token, 'content-type': 'application/json' };
  const post = async (body: object) => {
    const response = await fetch(`${origin}/review`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const benchmark = () => readFile(path.join(place, 'benchmark.jsonl'), 'utf8');
  return { place, folder, address, origin, headers, post, benchmark };
}

test('what is decided is in the benchmark at once, and again when the folder is opened anew', async () => {
  const { place, post, benchmark } = await served();
  expect((await post({ video: 'a.mp4', decision: 'reject', version: 0 })).status).toBe(200);
  const edited = annotated('b.mp4', { question: 'What is on fire?', segment: 'normal', class: 'Normal' });
  expect((await post({ video: 'b.mp4', decision: 'accept', edited, version: 0 })).status).toBe(200);
  expect(
    (await benchmark())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ id: 'b.mp4', question: 'What is on fire?', segment: 'normal' }]);
  const { samples } = await loadSamples({ source: 'jsonl', annotations: path.join(place, 'benchmark.jsonl'), classes });
  expect(samples.map(({ task }) => task)).toEqual(['qa', 'tag', 'cls']);
  const again = await AnnotationFolder.open(place);
  expect(again.items.map(({ annotated: { video }, decision, version }) => [video, decision, version])).toEqual([
    ['a.mp4', 'reject', 1],
    ['b.mp4', 'accept', 1],
  ]);
  await again.close();
});

test('who has looked at an earlier state is told so, and changes nothing', async () => {
  const { post, benchmark } = await served();
  await post({ video: 'a.mp4', decision: 'accept', version: 0 });
  const late = await post({ video: 'a.mp4', decision: 'reject', version: 0 });
  expect(late).toMatchObject({ status: 409, body: { item: { decision: 'accept', version: 1 } } });
  expect(await benchmark()).toContain('a.mp4');
});

test.each([
  ['no JSON', 'nonsense'],
  ['another video’s', { video: 'a.mp4', decision: 'accept', edited: annotated('b.mp4'), version: 0 }],
  [
    'two options alike',
    { video: 'a.mp4', decision: 'accept', edited: annotated('a.mp4', { options: ['x', 'X', 'y', 'z'] }), version: 0 },
  ],
  [
    'an empty question',
    { video: 'a.mp4', decision: 'accept', edited: annotated('a.mp4', { question: ' ' }), version: 0 },
  ],
  ['a decision that is none', { video: 'a.mp4', decision: 'maybe', version: 0 }],
])('is refused: %s', async (_, body) => {
  const { folder, post } = await served();
  const { status } = await post(body as object);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(folder.items.every(({ version }) => version === 0)).toBe(true);
});

test('only who knows the address may look, by its own name', async () => {
  const { address, origin, headers } = await served();
  expect((await fetch(`${origin}/items`)).status).toBe(403);
  expect((await fetch(`${origin}/items`, { headers: { 'x-token': 'guess' } })).status).toBe(403);
  expect((await fetch(`${origin}/items`, { headers })).status).toBe(200);
  expect((await fetch(`${origin}/frames?video=../../etc/passwd`, { headers })).status).toBe(404);
  expect((await fetch(address)).status).toBe(200);
});

test('nothing of a name or a class can run on the page', async () => {
  const { address } = await served();
  const html = await (await fetch(address)).text();
  expect(html).not.toContain('<img src=x');
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)![1]!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toMatch(/script-src 'nonce-[0-9a-f]{32}';/);
});
