import { readChoice } from '../dataset/choice.js';
import { matchClass } from '../dataset/classes.js';
import type { Sample, Segment, TaskName } from '../dataset/sample.js';
import { readElements, TAGS, type Tag } from './elements.js';
import { readSpan } from './span.js';
import { readVerdict } from './verdict.js';

/** Whether a completion reasons before it answers. */
export type PromptStyle = 'think' | 'direct';

/** What a completion says. A part that cannot be read without guessing is undefined. */
export interface ParsedCompletion {
  /** The completion is exactly what the task asks for. */
  formatOk: boolean;
  /** The first thing that is wrong with it. */
  problem?: string;
  think?: string;
  /** qa: a letter; tag: `Anomaly` or `Normal`; cls: a label of the list, as it is spelled there; reasoning: the text. */
  answer?: string;
  /** tag: an interval, or normal. */
  interval?: Segment;
}

/** The tags of a completion, in their order. */
export function expectedTags({ task, style }: { task: TaskName; style: PromptStyle }): Tag[] {
  return TAGS.filter((tag) => (tag === 'think' ? style === 'think' : tag === 'answer' || task === 'tag'));
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
  const tags = expectedTags({ task: sample.task, style });
  const { elements, problem } = readElements({ text, tags });
  const answer = elements.answer === undefined ? undefined : READ[sample.task](elements.answer, { sample, classes });
  const interval = tags.includes('glue') ? intervalOf({ glue: elements.glue, answer }) : undefined;
  const contradiction =
    interval !== undefined && answer !== undefined && (answer === 'Normal') !== (interval.kind === 'normal');
  const problems = [
    problem,
    answer === undefined && 'the answer cannot be read',
    tags.includes('glue') && interval === undefined && 'the interval cannot be read',
    contradiction && 'the answer and the interval contradict each other',
  ];
  const first = problems.find((found) => typeof found === 'string');
  const read = contradiction ? {} : { answer, interval };
  return { formatOk: first === undefined, problem: first, think: elements.think?.trim(), ...read };
}

interface Asked {
  sample: Pick<Sample, 'options'>;
  classes: readonly string[];
}

const READ: Record<TaskName, (text: string, asked: Asked) => string | undefined> = {
  qa: (text, { sample: { options } }) => readChoice({ text, options })?.letter,
  tag: readVerdict,
  cls: (text, { classes }) => matchClass({ label: text.trim(), classes }),
  reasoning: (text) => text.trim() || undefined,
};

/** “No span” is what a normal video has; beside any other answer it says nothing. */
function intervalOf({ glue, answer }: { glue?: string; answer?: string }): Segment | undefined {
  if (glue === undefined || glue.trim() === '') return undefined;
  const span = readSpan(glue);
  if (span === 'none') return answer === 'Normal' ? { kind: 'normal' } : undefined;
  return span;
}
