import { NORMAL_CLASS } from '../dataset/classes.js';
import type { Sample } from '../dataset/sample.js';
import { parseCompletion } from '../tasks/completion.js';
import { isRight } from '../tasks/judge.js';
import { taskNamed } from '../tasks/named.js';
import { pureReward } from './reward.js';

/**
 * 1 for a completion of a wanted length. Video-R1 (Feng et al. 2025) gives 0.2 (the weight) for right answers of 320 to 512
 * tokens; Vad-R1 (Huang et al. 2025) wants fewer words on a normal video than on an abnormal one.
 */
export const lengthReward = pureReward({
  name: 'length',
  appliesTo: () => true,
  score: (input, options) => {
    const { sample, tokens } = input;
    if (tokens === undefined) return null;
    const { min_length, max_length, normal_min_length, normal_max_length, only_right } = options;
    const isNormal = normal(sample);
    const least = (isNormal ? normal_min_length : undefined) ?? min_length;
    const most = (isNormal ? normal_max_length : undefined) ?? max_length;
    const counts = !only_right || taskNamed(sample.task).right === undefined;
    if (!counts && !isRight({ sample, parsed: parseCompletion(input) })) return 0;
    return tokens >= least && tokens <= most ? 1 : 0;
  },
});

const normal = ({ segment, class: label }: Sample): boolean => segment.kind === 'normal' || label === NORMAL_CLASS;
