import { describe, expect, test } from 'vitest';
import { TASK_NAMES } from '../../src/config/task-names.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import type { Sample } from '../../src/dataset/sample.js';
import { parseCompletion } from '../../src/tasks/completion.js';
import { expectedCompletion, promptText } from '../../src/tasks/words.js';
import { ALL, pureRewards } from '../rewards/pure.js';

const bare: Sample = {
  id: 'x',
  task: 'qa',
  visuals: [{ kind: 'video', file: '/a.mp4' }],
  question: 'What {options} happens?',
  options: ['a fight', 'a fire', 'a fall', 'nothing'],
  answer: 'C',
  segment: { kind: 'interval', start: 5, end: 10.25 },
  class: 'People_falling',
};
const told: Sample = { ...bare, description: 'A man <think>falls</THINK>.', reasoning: 'He slips.' };
const rewards = await pureRewards(ALL);

describe.each(TASK_NAMES)('%s', (task) => {
  test.each(['think', 'direct'] as const)('what an annotation calls for earns the full reward (%s)', async (style) => {
    for (const sample of [bare, told, { ...told, segment: { kind: 'normal' } as const }]) {
      const input = { sample: { ...sample, task, description: sample.description ?? 'A fall.' }, style, classes };
      const text = expectedCompletion(input);
      expect(parseCompletion({ ...input, text })).toMatchObject({ formatOk: true });
      const [scores] = await rewards.scoreGroup([{ ...input, text }]);
      expect(Object.values(scores!.rewards).every((value) => value === null || value === 1)).toBe(true);
    }
  });

  test('the prompt states the form of the answer, with thinking or without', () => {
    const direct = promptText({ sample: { ...bare, task }, style: 'direct' });
    const think = promptText({ sample: { ...bare, task }, style: 'think' });
    expect(direct).toContain('<answer>');
    expect(direct).not.toContain('<think>');
    expect(think).toMatch(/<think>.*<\/think><answer>.*<\/answer>/);
    expect(think.includes('<glue>[start, end]</glue>')).toBe(task === 'tag');
  });
});

test('the question, with its options under their letters, once', () => {
  expect(promptText({ sample: bare, style: 'direct' })).toMatch(
    /^What \{options\} happens\?\nA\. a fight\nB\. a fire\nC\. a fall\nD\. nothing\n/,
  );
});

test('the classes are those of the run', () => {
  expect(promptText({ sample: { ...bare, task: 'cls' }, style: 'direct', classes: ['calm', 'storm'] })).toContain(
    '\ncalm, storm\n',
  );
});

test('a template replaces all of our words', () => {
  const templates = { qa: '{question}|{options}|{classes}|{other}' };
  expect(promptText({ sample: bare, style: 'think', classes: ['x', 'y'], templates })).toBe(
    'What {options} happens?|A. a fight\nB. a fire\nC. a fall\nD. nothing|x, y|{other}',
  );
});

test('the span is in seconds, with one decimal or two', () => {
  const span = (segment: Sample['segment']) =>
    expectedCompletion({ sample: { ...bare, task: 'tag', segment }, style: 'direct' });
  expect(span({ kind: 'interval', start: 5, end: 10.25 })).toBe('<answer>Anomaly</answer><glue>[5.0, 10.25]</glue>');
  expect(span({ kind: 'interval', start: 0.5, end: 1000 })).toBe('<answer>Anomaly</answer><glue>[0.5, 1000.0]</glue>');
  expect(span({ kind: 'normal' })).toBe('<answer>Normal</answer><glue>[-1.0, -1.0]</glue>');
});

test('it thinks the reasoning, else the description, else what the answer says', () => {
  const think = (sample: Sample) =>
    parseCompletion({ text: expectedCompletion({ sample, style: 'think' }), sample, style: 'think', classes }).think;
  expect(think(told)).toBe('He slips.');
  expect(think({ ...told, reasoning: undefined })).toBe('A man falls.');
  expect(think(bare)).toBe('What fits the video: a fall');
});
