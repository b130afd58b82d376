import type { OptionLetter, Segment, TaskName } from '../dataset/sample.js';
import { intervalOf } from '../dataset/segment.js';
import { readElements, TAGS, type Tag } from './elements.js';

/** Whether a completion reasons before it answers. */
export type PromptStyle = 'think' | 'direct';

/** What a completion says. A part that cannot be read without guessing is undefined. */
export interface ParsedCompletion {
  /** The completion is exactly what the task asks for. */
  formatOk: boolean;
  /** The first thing that is wrong with it. */
  problem?: string;
  think?: string;
  /** qa: a letter; tag: `Anomaly` or `Normal`; cls and reasoning: the text. */
  answer?: string;
  /** qa: the option's text, where the completion gives it after the letter. */
  optionText?: string;
  /** tag: an interval, or normal. */
  interval?: Segment;
}

/** The tags of a completion, in their order. */
export function expectedTags({ task, style }: { task: TaskName; style: PromptStyle }): Tag[] {
  return TAGS.filter((tag) => (tag === 'think' ? style === 'think' : tag === 'answer' || task === 'tag'));
}

/**
 * Reads a completion: the only place that does, for rewards and metrics alike.
 *
 * The format holds when there are the task's tags, each once, in order, none in another, none empty, white space alone
 * around them, and what they hold can be read. Space and line ends inside the tags do not matter. Where the format is
 * broken elsewhere, an answer that stands once, in no other tag, is still read, so that the reward terms are independent.
 *
 * - qa: `B`, `(B)`, `B.`, `B. text`, `Option B`, in either case; never a letter picked out of a sentence;
 * - tag: `Anomaly` or `Normal`, in either case, with `[start, end]` in seconds: decimal numbers, an `s` after them is
 *   let pass; `[-1, -1]` is normal. A start that is not before its end is no interval. An answer and a span that
 *   contradict each other are both void: a completion must not bet on either;
 * - all: `Answer:` before the answer is let pass.
 */
export function parseCompletion({
  text,
  task,
  style,
}: {
  text: string;
  task: TaskName;
  style: PromptStyle;
}): ParsedCompletion {
  const tags = expectedTags({ task, style });
  const { elements, problem } = readElements({ text, tags });
  const think = elements.think?.trim();
  const answer = readAnswer({ text: elements.answer, task });
  const interval = tags.includes('glue') ? readInterval(elements.glue) : undefined;
  const contradiction =
    interval !== undefined &&
    answer.answer !== undefined &&
    (answer.answer === 'Normal') !== (interval.kind === 'normal');
  const problems = [
    problem,
    answer.answer === undefined && 'the answer cannot be read',
    tags.includes('glue') && interval === undefined && 'the interval cannot be read',
    contradiction && 'the answer and the interval contradict each other',
  ];
  const first = problems.find((found) => typeof found === 'string');
  const read = contradiction ? {} : { ...answer, interval };
  return { formatOk: first === undefined, problem: first, think, ...read };
}

type Answer = Pick<ParsedCompletion, 'answer' | 'optionText'>;

function readAnswer({ text, task }: { text?: string; task: TaskName }): Answer {
  const said = text?.trim().replace(/^answer\s*:\s*/i, '');
  if (!said) return {};
  if (task === 'qa') return readLetter(said);
  return { answer: task === 'tag' ? readVerdict(said) : said };
}

/** `B`, `(B)`, `Option B`, or one of them with `.`, `:` or `)` and a text after it. */
const LETTER = /^(?:option\s+)?(?:\(([A-D])\)|([A-D])(?=$|[.:)]))[.:)]?(?:\s+(\S.*))?$/is;

function readLetter(said: string): Answer {
  const match = LETTER.exec(said);
  const letter = (match?.[1] ?? match?.[2])?.toUpperCase() as OptionLetter | undefined;
  return { answer: letter, optionText: match?.[3]?.trim() };
}

function readVerdict(said: string): 'Anomaly' | 'Normal' | undefined {
  const word = said.replace(/\.$/, '').toLowerCase();
  return word === 'anomaly' ? 'Anomaly' : word === 'normal' ? 'Normal' : undefined;
}

/** No two parts of it can take the same characters, so that hopeless texts are given up in linear time. */
const NUMBER = String.raw`([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:\s*s)?`;
const SPAN = new RegExp(String.raw`^\[\s*${NUMBER}\s*,\s*${NUMBER}\s*\]$`, 'i');

function readInterval(text: string | undefined): Segment | undefined {
  const match = SPAN.exec(text?.trim() ?? '');
  if (!match) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (start === -1 && end === -1) return { kind: 'normal' };
  const span = intervalOf({ start, end });
  return 'value' in span ? span.value : undefined;
}
