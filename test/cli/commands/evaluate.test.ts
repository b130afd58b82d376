import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../../src/cli/commands/evaluate.js';
import { tinyProject } from '../../tiny-project.js';
import { readLines, trainHere } from '../../trainer/train-here.js';
import { runCommand } from './run.js';

const LORA = ['model.lora.r=2', 'model.freeze_vision=true'];
const project = await tinyProject({ train: 3, test: 3 });
const checkpoint = (name: string) => join(project.folder, name, 'checkpoints/step-000006');
const evaluate = ({ set = [], args = [] }: { set?: string[]; args?: string[] }) =>
  runCommand(command, ['evaluate', project.config, ...set.flatMap((option) => ['--set', option]), ...args]);

beforeAll(async () => {
  for (const [name, set] of [
    ['full', []],
    ['lora', LORA],
  ] as const) {
    const { end } = await trainHere({ project, name, set: ['training.eval_steps=6', ...set] });
    expect(await end).toBe('done');
  }
});
// A command sets it for the process that it thinks to be alone in.
afterAll(() => {
  process.exitCode = undefined;
});

describe('evaluate', () => {
  it.each([
    ['full', []],
    ['lora', LORA],
  ])('measures a checkpoint as its run did (%s)', async (name, set) => {
    const output = join(project.folder, 'made', name);
    const args = ['--checkpoint', checkpoint(name), '--json', '--output', output];
    const { stdout } = await evaluate({ set, args });
    const { metrics, blind, report } = JSON.parse(stdout);
    const [recorded] = await readLines(join(project.folder, name, 'evaluations.jsonl'));
    expect({ step: 6, ...metrics }).toEqual(recorded);
    expect(blind.map(({ task }: { task: string }) => task)).toEqual(['qa', 'tag', 'cls']);
    const lines = (await readFile(join(output, 'answers.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(9);
    expect(lines.map((line) => JSON.parse(line))).toContainEqual({
      trial: 'answer',
      prompt: 'direct',
      sample_id: 'test.jsonl:test-00000-qa:qa',
      generation: 0,
      text: expect.any(String),
      tokens: expect.any(Number),
      seconds: expect.any(Number),
    });
    expect(JSON.parse(await readFile(join(output, 'report.json'), 'utf8'))).toEqual(report);
    // Nobody is asked again, with the model or without it, and the report is the same byte for byte.
    const first = await readFile(join(output, 'report.json'));
    const { stderr } = await evaluate({ set, args });
    expect(stderr).toContain('9 of 9 answers are there already');
    expect(await readFile(join(output, 'report.json'))).toEqual(first);
    await evaluate({ set: [...set, 'model.path=/nowhere'], args: ['--rescore', '--output', output] });
    expect(await readFile(join(output, 'report.json'))).toEqual(first);
    const theirs = await evaluate({ set, args: ['--predictions', join(output, 'answers.jsonl'), '--json'] });
    expect(JSON.parse(theirs.stdout).report).toEqual(report);
    // Other settings would give other answers: they are not mixed.
    const other = evaluate({ set: [...set, 'data.video.max_frames=3'], args });
    await expect(other).rejects.toMatchObject({ code: 'EVALUATION_OTHER', message: expect.stringContaining('video') });
  });

  it('prints a table of the model that a config starts from', async () => {
    const { stdout } = await evaluate({ set: ['evaluation.max_samples=4'] });
    expect(stdout.match(/^\w+, \d samples? of.*$/gm)).toEqual([
      'qa, 2 samples of 2 videos',
      'tag, 1 sample of 1 video',
      'cls, 1 sample of 1 video',
    ]);
    expect(stdout).toMatch(/^metric +% +95 % interval +samples +blind % +blind guesser$/m);
    expect(stdout).toMatch(/^accuracy +\d+\.\d +\d+\.\d–\d+\.\d +2 +\d+\.\d +\w/m);
  });

  it('says when checkpoint and config do not go together', async () => {
    const whole = evaluate({ set: LORA, args: ['--checkpoint', checkpoint('full')] });
    await expect(whole).rejects.toThrow(/full.*step-000006 holds a whole model; take model\.lora out/);
    const adapter = evaluate({ args: ['--checkpoint', checkpoint('lora')] });
    await expect(adapter).rejects.toThrow(/lora.*step-000006 holds an adapter; give the config the model\.lora/);
    const nothing = evaluate({ args: ['--checkpoint', project.model] });
    await expect(nothing).rejects.toMatchObject({ code: 'CHECKPOINT_MISSING' });
    const nobody = evaluate({ set: ['data.eval=[]'] });
    await expect(nobody).rejects.toMatchObject({ code: 'DATA_NOTHING_HELD_OUT' });
  });

  it('scores the guesser on the very samples that the model answered', async () => {
    const wordy = (line: string) => ({ ...JSON.parse(line), question: `What ${'now '.repeat(400)}?` });
    const lines = (await readFile(join(project.folder, 'clips/test.jsonl'), 'utf8')).trimEnd().split('\n');
    // Of three multiple-choice questions one is too long to be asked; its letter alone is A.
    const answers = ['A', 'B', 'B'];
    const held = lines
      .filter((line) => JSON.parse(line).task === 'qa')
      .map((line, i) => ({ ...(i === 0 ? wordy(line) : JSON.parse(line)), answer: answers[i] }));
    const file = join(project.folder, 'held.jsonl');
    await writeFile(file, held.map((line) => JSON.stringify(line)).join('\n'));
    const set = ['data.train=[]', `data.eval.0.annotations=${file}`, 'data.max_prompt_length=300'];
    const { stdout, stderr } = await evaluate({ set, args: ['--json'] });
    const { metrics, blind, left_out } = JSON.parse(stdout);
    expect(left_out).toEqual([{ reason: 'the prompt is longer than data.max_prompt_length', count: 1 }]);
    expect(stderr).toMatch(/warning: left out: held\.jsonl:test-00000-qa:qa: .*data\.max_prompt_length is 300/);
    expect(metrics['qa/count']).toBe(2);
    expect(blind).toMatchObject([{ task: 'qa', count: 2, candidates: { 'always B': 1 } }]);
    expect(metrics['qa/accuracy/blind']).toBe(blind[0].value);
    expect((await evaluate({ set })).stdout).toMatch(/^1 sample left out: the prompt is longer/m);
  });

  it('leaves out what cannot be read, and fails where that is all', async () => {
    await writeFile(join(project.videos, 'test-00001.mp4'), 'no video');
    const { stdout, stderr } = await evaluate({ args: ['--json'] });
    expect(stderr.match(/warning: left out: .*test-00001\.mp4/g)).toHaveLength(1);
    expect(JSON.parse(stdout).metrics).toHaveProperty('tag/miou');
    for (const name of ['test-00000.mp4', 'test-00002.mp4']) await writeFile(join(project.videos, name), '');
    // The files are others now: what was answered of them before does not count.
    await expect(evaluate({})).rejects.toMatchObject({ code: 'DATA_NOTHING_READABLE' });
  });
});
