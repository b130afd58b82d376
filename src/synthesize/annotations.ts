/** What a clip's annotation says: the lines of a `jsonl` source, one a task. */
import type { JsonlLine } from '../dataset/jsonl.js';
import { NORMAL } from './classes.js';
import type { ClipPlan } from './plan.js';

/**
 * The line for `reasoning`, which stands in a file of its own: short words, since models that learn from these clips are
 * small. They name the class, and what it is about.
 */
export function describeClip({ plan, video }: { plan: ClipPlan; video: string }): JsonlLine {
  const { name, phrase } = plan.class;
  return {
    id: `${plan.id}-reasoning`,
    video,
    task: 'reasoning',
    class: name,
    ...(name !== NORMAL && { key_object: phrase.split(' ')[0]! }),
    description: `${name}. ${phrase}`,
  };
}

export const QUESTION = 'What happens?';

/**
 * Three lines, for `qa`, `tag` and `cls`. The reasoning of a question is the option that fits, as it stands there;
 * elsewhere it is the phrase alone. So the first word of an answer already says what was seen, and the answer follows
 * from it.
 *
 * @param video the name of the file, from the folder of videos
 */
export function annotateClip({ plan, video }: { plan: ClipPlan; video: string }): JsonlLine[] {
  const { id, answer, options, segment } = plan;
  const { name, phrase, description } = plan.class;
  return [
    {
      id: `${id}-qa`,
      video,
      task: 'qa',
      question: QUESTION,
      options: [...options],
      answer,
      reasoning: `${answer}. ${phrase}`,
    },
    { id: `${id}-tag`, video, task: 'tag', segment: segment ? [...segment] : 'normal', description, reasoning: phrase },
    { id: `${id}-cls`, video, task: 'cls', class: name, description, reasoning: phrase },
  ];
}
