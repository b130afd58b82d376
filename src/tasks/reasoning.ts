import type { Task } from './task.js';

/** Description and analysis in free words: no rule can tell a right answer from a wrong one. */
export const reasoningTask: Task = {
  name: 'reasoning',
  byDefault: false,
  usesKeyObject: true,
  problem: ({ description, reasoning }) => (description || reasoning ? undefined : 'no description and no reasoning'),
  asked: ({ description, reasoning }) => [description, reasoning],

  question:
    'Describe what happens in this video. Then explain whether it is abnormal: what kind of event it is, what shows it, what caused it and what comes of it.',
  form: { answer: 'your description and explanation' },
  read: ({ elements }) => ({ answer: elements.answer?.trim() || undefined }),
  expected: ({ description, reasoning }) => ({
    think: 'I describe what can be seen, then judge it.',
    elements: { answer: [description, reasoning].filter(Boolean).join('\n') },
  }),

  measures: () => [],
};
