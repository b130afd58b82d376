import type { Sample } from '../dataset/sample.js';
import { ANSWER_TAGS, readElements, type Tag } from './elements.js';
import { taskNamed } from './named.js';
import type { ParsedCompletion, PromptStyle, Task } from './task.js';

/** The tags of a completion, in their order. */
function expectedTags({ task, style }: { task: Task; style: PromptStyle }): Tag[] {
  const answer = ANSWER_TAGS.filter((tag) => task.form[tag] !== undefined);
  return style === 'think' ? ['think', ...answer] : answer;
}

/**
 * Reads a completion: the only place that does, for rewards and metrics alike. An answer that one of them takes is an
 * answer to all.
 *
 * The format holds when there are the task's tags, each once, in order, none in another, none empty, white space alone
 * around them, and what they hold can be read. Where the format is broken elsewhere, an answer that stands once, in no
 * other tag, is still read, so that the reward terms are independent.
 *
 * How an answer may be written is told at `readChoice`, `readVerdict`, `readSpan` and `matchClass`; what stands around it
 * (quotes, Markdown, a final stop, `Answer:`) does not matter. What names two answers is none: a completion must not bet
 * on either. So it is with a letter beside another option's text, and with a verdict and a span that contradict each other.
 */
export function parseCompletion({
  text,
  sample,
  style,
  classes,
}: {
  text: string;
  sample: Pick<Sample, 'task' | 'options'>;
  style: PromptStyle;
  classes: readonly string[];
}): ParsedCompletion {
  const task = taskNamed(sample.task);
  const tags = expectedTags({ task, style });
  const { elements, problem } = readElements({ text, tags });
  const { problem: unread, ...reading } = task.read({ elements, sample, classes });
  const first = problem ?? unread ?? (reading.answer === undefined ? 'the answer cannot be read' : undefined);
  return { formatOk: first === undefined, problem: first, think: elements.think?.trim(), ...reading };
}
