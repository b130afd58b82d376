import { describe, expect, test } from 'vitest';
import type { TaskName } from '../../src/config/task-names.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import type { Sample } from '../../src/dataset/sample.js';
import { parseCompletion } from '../../src/tasks/completion.js';
import type { PromptStyle } from '../../src/tasks/task.js';

const read = (text: string, task: TaskName = 'qa', style: PromptStyle = 'think') =>
  parseCompletion({ text, sample: { task, options }, style, classes });
const options: Sample['options'] = ['a fight', 'a fire', 'a fall', 'nothing'];
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
    ['<THINK>a</THINK><answer>B</answer>', 'qa', 'think', '<THINK> is not in lower case'],
    ['<think>a</think><answer>B</answer><glue>[1, 2]</glue>', 'qa', 'think', 'not think answer'],
    ['<think>a</think><answer>Anomaly</answer>', 'tag', 'think', 'not think answer glue'],
    ['<think>a</think><glue>[1, 2]</glue><answer>Anomaly</answer>', 'tag', 'think', 'not think answer glue'],
    ['<think>a</think><answer>A man</answer>', 'qa', 'think', 'the answer cannot be read'],
    ['<think>a</think><answer>B. a fall</answer>', 'qa', 'think', 'the answer cannot be read'],
    ['<think>a</think><answer>Fires</answer>', 'cls', 'think', 'the answer cannot be read'],
    ['<think>a</think><answer>Anomaly</answer><glue>1 or 2</glue>', 'tag', 'think', 'the interval cannot be read'],
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
    ['<think>maybe <answer>A</answer> no</think><answer>B</answer>', 'B'],
    ['<think>maybe <answer>A no</think><answer>B</answer>', 'B'],
    ['<think><think>B. a fire</think><answer>B</answer>', 'B'],
    ['<think>a <answer>A</answer> or <answer>B</answer>', undefined],
    ['a</think><answer>B</answer>', 'B'],
    ['<THINK>a</THINK><ANSWER>B</ANSWER>', 'B'],
    ['<think>a</think><answer>B</answer><|im_end|>', 'B'],
    ['<think>a</think> B', undefined],
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
    '[B]',
    '**B**',
    '**B.** a fire',
    '"B"',
    '‘B’.',
    '$B$',
    '\\boxed{B}',
    '$\\boxed{\\text{B}}$',
    'B。',
    'The answer is B',
    'Answer is B.',
    'The correct answer is: (B)',
    'B a fire',
    'B, a fire',
    'B - a fire',
    'B — a fire.',
    'A fire',
    'a  fire.',
    '"A fire"',
    'B. something else',
    '(B) smoke, or so it seems',
  ])('%j is B', (said) => {
    expect(answered(said).answer).toBe('B');
  });

  test.each([
    'zzz',
    'Because',
    'Bad',
    'A man walks',
    'B a blaze',
    'AB',
    'A or B',
    'B, C',
    'B. C',
    'B) or C',
    'B. a fight',
    'B a fight',
    '(A) or (B)',
    'B or C',
    'E',
    '',
    '(B',
    'BB',
    'None of A',
  ])('%j is none', (said) => {
    expect(answered(said).answer).toBeUndefined();
  });
});

describe('the verdict', () => {
  test.each([
    'Normal',
    'normal',
    ' NORMAL.',
    'Answer: Normal',
    '"Normal"',
    'No',
    'No anomaly',
    'Not abnormal.',
    'Normal: nothing abnormal',
  ])('%j is normal', (said) => {
    expect(grounded(said, '[-1.0, -1.0]')).toMatchObject({ formatOk: true, answer: 'Normal' });
  });

  test.each([
    'Anomaly',
    'anomaly.',
    '**Anomaly**',
    'Abnormal',
    'Anomalous',
    'Not normal',
    'Yes',
    'Anomaly: a fight',
    'Anomaly (robbery)',
    'Yes, people fight',
  ])('%j is an anomaly', (said) => {
    expect(grounded(said, '[2, 7]')).toMatchObject({ formatOk: true, answer: 'Anomaly' });
  });

  test.each(['zzz', 'Normal or Anomaly', 'Anomaly or Normal', 'Normal, Anomaly', 'Anomaly: Normal', 'Normally', ''])(
    '%j is none',
    (said) => {
      for (const glue of ['[-1.0, -1.0]', '[2, 7]']) expect(grounded(said, glue).answer).toBeUndefined();
    },
  );
});

describe('the class', () => {
  test.each([
    'Traffic_accident',
    'Traffic accident',
    'traffic accident',
    'TrafficAccident',
    'Traffic-accident',
    'Traffic_accident.',
    '"Traffic_accident"',
    '**Traffic accident**',
    'Class: Traffic_accident',
    'The class is Traffic_accident.',
  ])('%j', (said) => {
    expect(answered(said, 'cls')).toMatchObject({ formatOk: true, answer: 'Traffic_accident' });
  });

  test.each(['Traffic', 'Traffic_accident or Fire', 'Traffic_accident, Fire', 'zzz'])('%j is none', (said) => {
    expect(answered(said, 'cls')).toMatchObject({ formatOk: false, answer: undefined });
  });

  test('labels that differ in nothing else are told apart by their very spelling', () => {
    const sample = { task: 'cls' as const };
    const label = (said: string) =>
      parseCompletion({ text: `<answer>${said}</answer>`, sample, style: 'direct', classes: ['Fire', 'fire'] }).answer;
    expect([label('Fire'), label('fire'), label('FIRE')]).toEqual(['Fire', 'fire', undefined]);
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
    ['[5 seconds, 10 secs]', 5, 10],
    ['5, 10', 5, 10],
    ['5 - 10', 5, 10],
    ['[5-10]', 5, 10],
    ['5s to 10s', 5, 10],
    ['(5, 10)', 5, 10],
    ['[[5, 10]]', 5, 10],
    ['[5, 10].', 5, 10],
    ['[5, 10] seconds', 5, 10],
    ['[5; 10]', 5, 10],
    ['[1e1, 2.5e1]', 10, 25],
    ['[00:05, 01:10]', 5, 70],
    ['[1:00:05, 1:00:10.5]', 3605, 3610.5],
    ['[5,5, 10,0]', 5.5, 10],
  ])('%j', (glue, start, end) => {
    expect(grounded('Anomaly', glue)).toMatchObject({ formatOk: true, interval: { kind: 'interval', start, end } });
  });

  test.each(['[-1, -1]', '[-1.0, -1.0]', '[-1.00,-1]', '-1, -1', '[0, 0]', '[0.0,0.0]', 'None', '[]', 'N/A'])(
    '%j is normal',
    (glue) => {
      expect(grounded('Normal', glue)).toMatchObject({ formatOk: true, interval: { kind: 'normal' } });
    },
  );

  test.each([
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
    '[1e309, 20]',
    '[00:05, 00:99]',
    'None',
    '[]',
    '[5, 10], [11, 20]',
    '[5, 10] or [11, 20]',
    '[frame 5, frame 10]',
    `[1, ${'9'.repeat(400)}]`,
    '[5, 10] [1, 2]',
    '',
    '[,]',
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
