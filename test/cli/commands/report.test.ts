import { appendFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { command } from '../../../src/cli/commands/report.js';
import { buildReport } from '../../../src/report/build-report.js';
import type { PageData } from '../../../src/report/page-data.js';
import { reportPage } from '../../../src/report/report-page.js';
import { serveReport } from '../../../src/report/report-server.js';
import { type TinyProject, tinyProject } from '../../tiny-project.js';
import { readLines, trainHere } from '../../trainer/train-here.js';
import { runCommand } from './run.js';

let project: TinyProject;
let run: string;
beforeAll(async () => {
  project = await tinyProject({ train: 3, test: 3 });
  for (const name of ['one', 'two']) {
    const { end } = await trainHere({ project, name, set: ['method=grpo', 'training.eval_steps=3', `name=${name}`] });
    expect(await end).toBe('done');
  }
  run = join(project.folder, 'one');
});

/** What a page shows. */
const dataOf = (html: string): PageData => JSON.parse(/^const DATA = (.*);$/m.exec(html)![1]!);

describe('report', () => {
  it('writes a page of a run: its numbers as they were recorded, its groups as they were said', async () => {
    const { stderr } = await runCommand(command, ['report', run]);
    expect(stderr).toContain('report.html');
    const html = await readFile(join(run, 'report.html'), 'utf8');
    const { runs, strips, ablation } = dataOf(html);
    expect(ablation).toBeNull();
    const [page] = runs;
    const metrics = await readLines(join(run, 'metrics.jsonl'));
    expect(page).toMatchObject({ name: 'one', method: 'grpo', steps: 6, maxSteps: 6, isFinished: true, notes: [] });
    expect(page!.curves.steps).toEqual(metrics.map(({ step }) => step));
    expect(page!.curves.series.kl!.at(-1)).toBeCloseTo(metrics.at(-1)!.kl!, 5);
    expect(page!.evaluations.map(({ step }) => step)).toEqual([3, 6]);

    const lines = (await readLines(join(run, 'completions.jsonl'))) as unknown as Record<string, never>[];
    const shown = page!.groups.flatMap(({ step, id, completions }) =>
      completions.map(({ text, reward, advantage }) => ({ step, id, text, reward, advantage })),
    );
    expect(shown).toEqual(
      lines.map(({ step, sample_id: id, text, reward, advantage }) => ({
        ...{ step, id, text, reward },
        advantage: Number(Number(advantage).toPrecision(4)),
      })),
    );
    const [group] = page!.groups;
    expect(group!.truth.length).toBeGreaterThan(0);
    expect(strips[group!.video!]!.frames.length).toBeGreaterThan(1);
    const [first] = group!.completions;
    const [line] = lines as unknown as { completion_ids: number[]; logprobs: number[]; ref_logprobs: number[] }[];
    expect(first!.tokens).toHaveLength(line!.completion_ids.length);
    for (const [i, [, logprob, reference]] of first!.tokens!.entries()) {
      expect(logprob).toBeCloseTo(line!.logprobs[i]!, 2);
      expect(reference).toBeCloseTo(line!.ref_logprobs[i]!, 2);
    }
  });

  it('shows several runs beside each other', async () => {
    const output = join(project.folder, 'both.html');
    await runCommand(command, ['report', run, join(project.folder, 'two'), '--output', output]);
    expect(dataOf(await readFile(output, 'utf8')).runs.map(({ name }) => name)).toEqual(['one', 'two']);
  });

  it('reads a run whose data and model have gone, and says what is missing', async () => {
    const copy = join(project.folder, 'copy');
    await cp(run, copy, { recursive: true });
    const config = await readFile(join(copy, 'config.yaml'), 'utf8');
    await writeFile(join(copy, 'config.yaml'), config.replaceAll(project.folder, '/gone'));
    const { stderr } = await runCommand(command, ['report', copy]);
    expect(stderr).toMatch(/annotations cannot be read any more/);
    expect(stderr).toMatch(/tokenizer cannot be read any more/);
    const { runs, strips } = dataOf(await readFile(join(copy, 'report.html'), 'utf8'));
    expect(strips).toEqual({});
    expect(runs[0]!.groups[0]!).toMatchObject({ video: null, truth: [] });
    expect(runs[0]!.groups[0]!.completions[0]!.tokens).toBeNull();
  });

  it('refuses a folder that holds no run', async () => {
    await expect(runCommand(command, ['report', project.folder])).rejects.toMatchObject({ code: 'REPORT_NO_RUN' });
  });
});

describe('what a model says', () => {
  const attack = '</script><script>alert(1)</script><img src=x onerror=alert(2)><!--';

  it('is data: no tag of it is in the page, and the page lets nothing run but its own script', async () => {
    const copy = join(project.folder, 'hostile');
    await cp(run, copy, { recursive: true });
    const [line] = (await readFile(join(copy, 'completions.jsonl'), 'utf8')).split('\n');
    const hostile = { ...JSON.parse(line!), step: 6, text: attack, sample_id: `${attack}:qa`, prompt: attack };
    await appendFile(join(copy, 'completions.jsonl'), `${JSON.stringify(hostile)}\n`);
    const data = await buildReport({ folders: [copy], warn: () => {} });
    const html = reportPage({ data, title: attack });
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<img src=x');
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html.match(/<\/script/g)).toHaveLength(1);
    expect(dataOf(html).runs[0]!.groups.some(({ completions }) => completions[0]!.text === attack)).toBe(true);
    const [, nonce] = /<script nonce="([^"]+)">/.exec(html)!;
    const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(html)!;
    expect(policy).toContain(`script-src 'nonce-${nonce}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'none'");
    expect(reportPage({ data, title: '' })).not.toContain(nonce);
  });

  it('comes to the page as text: its script makes no markup of strings', () => {
    const html = reportPage({ data: { runs: [], strips: {}, ablation: null }, title: 'x' });
    const own = html.slice(html.indexOf('// Small helpers.'));
    expect(own).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/);
  });
});

describe('report --watch', () => {
  it('serves the page on this machine alone, and makes it anew only when the run has gone on', async () => {
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    let made = 0;
    const make = async () => `<p>${++made}</p>`;
    const port = await new Promise<number>((resolve) => {
      void serveReport({ folders: [run], port: 0, make, onListening: resolve, signal: stop.signal });
    });
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect(await (await ask('/')).text()).toBe('<p>1</p>');
    expect(await (await ask('/')).text()).toBe('<p>1</p>');
    const newsNow = async () => ((await (await ask('/news')).json()) as { news: string }).news;
    const news = await newsNow();
    await appendFile(join(run, 'metrics.jsonl'), '\n');
    // A page that was made a moment ago is not made again at each step, and nobody is told to load it.
    expect(await newsNow()).toBe(news);
    expect(await (await ask('/')).text()).toBe('<p>1</p>');
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    onTestFinished(() => clock.mockRestore());
    const later = await newsNow();
    expect(later).not.toBe(news);
    expect(await (await ask('/')).text()).toBe('<p>2</p>');
    expect(await newsNow()).toBe(later);
    expect((await ask('/../package.json')).status).toBe(404);
  });
});
