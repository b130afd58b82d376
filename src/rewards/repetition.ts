import { pureReward } from './reward.js';

/**
 * A penalty for saying the same again: `max_penalty` · (1 − different n-grams / all n-grams), of words in lower case, over
 * the whole completion (Demystifying Long CoT, Yeo et al. 2025; as in open-r1).
 */
export const repetitionReward = pureReward({
  name: 'repetition',
  appliesTo: () => true,
  score: ({ text }, { ngram_size: n, max_penalty }) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const count = words.length - n + 1;
    if (count <= 0) return 0;
    const grams = new Set(Array.from({ length: count }, (_, i) => words.slice(i, i + n).join(' ')));
    return max_penalty === 0 ? 0 : max_penalty * (1 - grams.size / count);
  },
});
