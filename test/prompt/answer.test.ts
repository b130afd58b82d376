import { describe, expect, test } from 'vitest';
import type { TaskName } from '../../src/dataset/sample.js';
import { type PromptStyle, parseCompletion } from '../../src/prompt/answer.js';

const read = (text: string, task: TaskName = 'qa', style: PromptStyle = 'think') =>
  parseCompletion({ text, task, style });
const answered = (answer: string, task: TaskName = 'qa') => read(`<think>t</think><answer>${answer}</answer>`, task);
const grounded = (answer: string, glue: string) =>
  read(`<think>t</think><answer>${answer}</answer><glue>${glue}</glue>`, 'tag');

describe('format', () => {
  test.each<[string, TaskName, PromptStyle]>([
    ['<think>a man</think><answer>B</answer>', 'qa', 'think'],
    ['\n <think>\na man\n</think>\n\n<answer> B\n</answer>\n', 'qa', 'think'],
    ['<think>1 < 2 and </b> <i></think><answer>B</answer>', 'qa', 'think'],
    ['<answer>B</answer>', 'qa', 'direct'],
    ['<think>a</think><answer>Normal</answer><glue>[-1.0, -1.0]</glue>', 'tag', 'think'],
    ['<answer>anomaly</answer> <glue> [ 5,10.5 ] </glue>', 'tag', 'direct'],
    ['<think>a</think><answer>Fire</answer>', 'cls', 'think'],
    ['<think>a</think><answer>A man walks in.\nNothing else.</answer>', 'reasoning', 'think'],
  ])('%j holds (%s, %s)', (text, task, style) => {
    expect(read(text, task, style)).toMatchObject({ formatOk: true, problem: undefined });
  });

  test.each<[string, TaskName, PromptStyle, string]>([
    ['', 'qa', 'think', 'the tags are missing'],
    ['B', 'qa', 'think', 'text outside'],
    ['<answer>B</answer>', 'qa', 'think', 'the tags are answer, not think answer'],
    ['<think>a</think><answer>B</answer>', 'qa', 'direct', 'the tags are think answer, not answer'],
    ['<answer>B</answer><think>a</think>', 'qa', 'think', 'not think answer'],
    ['So: <think>a</think><answer>B</answer>', 'qa', 'think', 'text outside'],
    ['<think>a</think> hm <answer>B</answer>', 'qa', 'think', 'text outside'],
    ['<think>a</think><answer>B</answer>.', 'qa', 'think', 'text outside'],
    ['<think>a</think><answer>B</answer><answer>C</answer>', 'qa', 'think', 'not think answer'],
    ['<think>a<think>b</think></think><answer>B</answer>', 'qa', 'think', '<think> stands inside <think>'],
    ['<think>a<answer>B</answer></think>', 'qa', 'think', '<answer> stands inside <think>'],
    ['<think>a</think><answer>B', 'qa', 'think', '<answer> is not closed'],
    ['<think>a</think></think><answer>B</answer>', 'qa', 'think', '</think> closes nothing'],
    ['<think> \n</think><answer>B</answer>', 'qa', 'think', 'a tag is empty'],
    ['<think>a</think><answer></answer>', 'qa', 'think', 'a tag is empty'],
    ['<THINK>a</THINK><answer>B</answer>', 'qa', 'think', 'text outside'],
    ['<think>a</think><answer>B</answer><glue>[1, 2]</glue>', 'qa', 'think', 'not think answer'],
    ['<think>a</think><answer>Anomaly</answer>', 'tag', 'think', 'not think answer glue'],
    ['<think>a</think><glue>[1, 2]</glue><answer>Anomaly</answer>', 'tag', 'think', 'not think answer glue'],
    ['<think>a</think><answer>A man</answer>', 'qa', 'think', 'the answer cannot be read'],
    ['<think>a</think><answer>Anomaly</answer><glue>1 to 2</glue>', 'tag', 'think', 'the interval cannot be read'],
    ['<think>a</think><answer>Normal</answer><glue>[1, 2]</glue>', 'tag', 'think', 'contradict'],
  ])('%j is broken (%s, %s): %s', (text, task, style, problem) => {
    const { formatOk, problem: found } = read(text, task, style);
    expect(formatOk).toBe(false);
    expect(found).toContain(problem);
  });
});

describe('an answer is read where it stands once, in no other tag', () => {
  test.each([
    ['<answer>B</answer>', 'B'],
    ['I think <answer>B</answer>, surely', 'B'],
    ['<think>never closed <answer>B</answer>', undefined],
    ['<think>so <answer>B</answer></think>', undefined],
    ['<answer>B</answer> or <answer>C</answer>', undefined],
    ['<answer>B. <think>or C</think></answer>', undefined],
    ['<think>a</think><answer>B', undefined],
  ])('%j: %s', (text, answer) => {
    const parsed = read(text);
    expect([parsed.formatOk, parsed.answer]).toEqual([false, answer]);
  });
});

describe('the letter', () => {
  test.each([
    'B',
    'b',
    ' B ',
    'B.',
    'B)',
    'B:',
    '(B)',
    '(B).',
    'Option B',
    'option (b)',
    'Answer: B',
    'B. a fire',
    '(B) a fire',
    'Option B: a fire',
    'B) a fire',
  ])('%j is B', (said) => {
    expect(answered(said).answer).toBe('B');
  });

  test.each([
    'zzz',
    'Because',
    'Bad',
    'A man walks',
    'B a fire',
    'AB',
    'B or C',
    'E',
    '',
    '(B',
    'the answer is B',
    'BB',
    'None of A',
  ])('%j is none', (said) => {
    expect(answered(said).answer).toBeUndefined();
  });

  test('the text of the option', () => {
    expect(answered('B. a fire').optionText).toBe('a fire');
    expect(answered('B').optionText).toBeUndefined();
  });
});

describe('the verdict', () => {
  test.each(['Normal', 'normal', ' NORMAL.', 'Answer: Normal'])('%j is normal', (said) => {
    expect(grounded(said, '[-1.0, -1.0]').answer).toBe('Normal');
  });

  test.each(['zzz', 'Abnormal', 'Not normal', 'Normal or Anomaly', 'No anomaly', ''])('%j is none', (said) => {
    expect(grounded(said, '[-1.0, -1.0]').answer).toBeUndefined();
  });
});

describe('the interval', () => {
  test.each<[string, number, number]>([
    ['[5, 10]', 5, 10],
    [' [ 5.25 , 10. ] ', 5.25, 10],
    ['[.5,1]', 0.5, 1],
    ['[0, 3]', 0, 3],
    ['[5s, 10 s]', 5, 10],
    ['[+5, 1000000]', 5, 1e6],
  ])('%j', (glue, start, end) => {
    expect(grounded('Anomaly', glue)).toMatchObject({ formatOk: true, interval: { kind: 'interval', start, end } });
  });

  test.each(['[-1, -1]', '[-1.0, -1.0]', '[-1.00,-1]'])('%j is normal', (glue) => {
    expect(grounded('Normal', glue)).toMatchObject({ formatOk: true, interval: { kind: 'normal' } });
  });

  test.each([
    '5, 10',
    '[5, 10',
    '[5]',
    '[5, 10, 12]',
    '[10, 5]',
    '[5, 5]',
    '[0, 0]',
    '[-2, 5]',
    '[-1, 5]',
    '[NaN, 5]',
    '[1, Infinity]',
    '[1e1, 20]',
    '[00:05, 00:10]',
    '[5; 10]',
    `[1, ${'9'.repeat(400)}]`,
    '[5, 10] [1, 2]',
    '',
    '[,]',
    '[5-10]',
  ])('%j is none', (glue) => {
    const { formatOk, interval, answer } = grounded('Anomaly', glue);
    expect({ formatOk, interval, answer }).toEqual({ formatOk: false, interval: undefined, answer: 'Anomaly' });
  });

  test('an answer and an interval that contradict each other are both void', () => {
    for (const parsed of [grounded('Normal', '[2, 7]'), grounded('Anomaly', '[-1, -1]')])
      expect([parsed.formatOk, parsed.answer, parsed.interval]).toEqual([false, undefined, undefined]);
  });
});

test('very long garbage is read in no time', () => {
  const started = performance.now();
  for (const piece of ['<think>', '</answer>', ' ', '[', '<answer>[1,', '0', '(A', 'Option ', '<answer>B</answer>'])
    for (const text of [piece.repeat(20_000), `<think>t</think><answer>${piece.repeat(20_000)}</answer>`])
      for (const task of ['qa', 'tag'] as const) read(text, task);
  grounded('Anomaly', `[1${' '.repeat(50_000)}`);
  grounded('Anomaly', `[${'1'.repeat(50_000)}`);
  expect(performance.now() - started).toBeLessThan(3000);
});
