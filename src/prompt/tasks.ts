import { LETTERS } from '../dataset/choice.js';
import { VAU_BENCH_CLASSES } from '../dataset/classes.js';
import type { Sample, TaskName } from '../dataset/sample.js';
import type { PromptStyle } from './answer.js';

/** A user's own words for a task, in place of ours; `{question}`, `{options}` and `{classes}` are filled in. */
export type PromptTemplates = Partial<Record<TaskName, string>>;

/** What each task asks for; the exact form of the answer comes after it. */
const QUESTIONS: Record<TaskName, string> = {
  qa: '{question}\n{options}\n\nChoose the one option that agrees with the video.',
  tag: 'Does anything abnormal happen in this video? If so, find when it starts and when it ends, in seconds from the start of the video.',
  cls: 'Which of these classes does the video belong to?\n{classes}',
  reasoning:
    'Describe what happens in this video. Then explain whether it is abnormal: what kind of event it is, what shows it, what caused it and what comes of it.',
};

/** What stands between the answer tags, and after them. */
const ANSWERS: Record<TaskName, string> = {
  qa: '<answer>the letter of the option</answer>',
  tag: '<answer>Anomaly or Normal</answer><glue>[start, end]</glue>',
  cls: '<answer>one class of the list</answer>',
  reasoning: '<answer>your description and explanation</answer>',
};

const NOTES: Partial<Record<TaskName, string>> = {
  tag: 'For a video in which everything is normal the span is [-1.0, -1.0].',
};

const THINK = '<think>your reasoning</think>';

interface PromptOptions {
  sample: Sample;
  style: PromptStyle;
  classes?: readonly string[];
  templates?: PromptTemplates;
}

/** The user's text of a prompt; it stands after the video. */
export function promptText({ sample, style, classes = VAU_BENCH_CLASSES, templates = {} }: PromptOptions): string {
  const values: Record<string, string> = {
    question: sample.question ?? '',
    options: (sample.options ?? []).map((option, i) => `${LETTERS[i]}. ${option}`).join('\n'),
    classes: classes.join(', '),
  };
  const template = templates[sample.task] ?? `${QUESTIONS[sample.task]}\n\n${formatText({ task: sample.task, style })}`;
  return template.replace(/\{(question|options|classes)\}/g, (_, name: string) => values[name]!);
}

function formatText({ task, style }: { task: TaskName; style: PromptStyle }): string {
  const form = `${style === 'think' ? THINK : ''}${ANSWERS[task]}`;
  const intro = style === 'think' ? 'Think first. Write' : 'Write';
  return [`${intro} exactly in this form, with nothing before or after it:`, form, NOTES[task]]
    .filter(Boolean)
    .join('\n');
}

/**
 * The completion that an annotation calls for: the target of supervised fine-tuning. It thinks what was annotated as
 * reasoning or description; where there is neither, it says no more than the answer itself does.
 */
export function expectedCompletion({ sample, style }: { sample: Sample; style: PromptStyle }): string {
  const think = style === 'think' ? `<think>${withoutTags(thoughtOf(sample))}</think>` : '';
  const answer = `<answer>${withoutTags(answerOf(sample))}</answer>`;
  return `${think}${answer}${sample.task === 'tag' ? `<glue>${spanText(sample)}</glue>` : ''}`;
}

const withoutTags = (text: string) => text.replace(/<\/?(?:think|answer|glue)>/gi, '').trim();

function answerOf({ task, answer, segment, class: label, description, reasoning }: Sample): string {
  if (task === 'qa') return answer ?? '';
  if (task === 'cls') return label ?? '';
  if (task === 'tag') return segment.kind === 'interval' ? 'Anomaly' : 'Normal';
  return [description, reasoning].filter(Boolean).join('\n');
}

function thoughtOf(sample: Sample): string {
  const { task, answer, options, segment, class: label, description, reasoning } = sample;
  if (task === 'reasoning') return 'I describe what can be seen, then judge it.';
  const annotated = reasoning ?? description;
  if (annotated) return annotated;
  if (task === 'qa') return `What fits the video: ${options?.[LETTERS.indexOf(answer ?? 'A')] ?? ''}`;
  if (task === 'cls') return `The video shows this: ${label}.`;
  return segment.kind === 'interval'
    ? `Something abnormal happens from ${seconds(segment.start)} to ${seconds(segment.end)} seconds.`
    : 'Nothing abnormal happens.';
}

const spanText = ({ segment }: Sample) =>
  segment.kind === 'interval' ? `[${seconds(segment.start)}, ${seconds(segment.end)}]` : '[-1.0, -1.0]';

/** At least one decimal and at most two, as in the annotations. */
const seconds = (time: number) =>
  Number.isInteger(time * 10) ? time.toFixed(1) : String(Math.round(time * 100) / 100);
