import type { TaskName } from '../config/task-names.js';
import { LETTERS } from '../dataset/choice.js';
import { VAU_BENCH_CLASSES } from '../dataset/classes.js';
import type { Sample } from '../dataset/sample.js';
import { ANSWER_TAGS, type AnswerTag } from './elements.js';
import { taskNamed } from './named.js';
import type { PromptStyle, Task } from './task.js';

/** A user's own words for a task, in place of ours; `{question}`, `{options}` and `{classes}` are filled in. */
export type PromptTemplates = Partial<Record<TaskName, string>>;

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
  const task = taskNamed(sample.task);
  const template = templates[sample.task] ?? `${task.question}\n\n${formText({ task, style })}`;
  return template.replace(/\{(question|options|classes)\}/g, (_, name: string) => values[name]!);
}

/** What the prompt says of the exact form of the answer. */
function formText({ task, style }: { task: Task; style: PromptStyle }): string {
  const intro = style === 'think' ? 'Think first. Write' : 'Write';
  return [
    `${intro} exactly in this form, with nothing before or after it:`,
    tagged({ think: 'your reasoning', elements: task.form, style }),
    ...(task.note === undefined ? [] : [task.note]),
  ].join('\n');
}

/**
 * The completion that an annotation calls for: the target of supervised fine-tuning. It thinks what was annotated as
 * reasoning or description; where there is neither, it says no more than the answer itself does.
 */
export function expectedCompletion({ sample, style }: { sample: Sample; style: PromptStyle }): string {
  const { think, elements } = taskNamed(sample.task).expected(sample);
  return tagged({ think, elements, style });
}

interface Parts {
  think: string;
  elements: Partial<Record<AnswerTag, string>>;
  style: PromptStyle;
}

function tagged({ think, elements, style }: Parts): string {
  const answer = ANSWER_TAGS.flatMap((tag) => {
    const text = elements[tag];
    return text === undefined ? [] : [`<${tag}>${withoutTags(text)}</${tag}>`];
  });
  return [...(style === 'think' ? [`<think>${withoutTags(think)}</think>`] : []), ...answer].join('');
}

const withoutTags = (text: string) => text.replace(/<\/?(?:think|answer|glue)>/gi, '').trim();
