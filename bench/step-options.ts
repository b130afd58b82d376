/** What a contender is started with, ours and the peers' alike (`peers/measure.py`). */
export const STEP_OPTIONS = {
  model: { type: 'string' },
  tokens: { type: 'string', default: '640' },
  generations: { type: 'string', default: '8' },
  completion: { type: 'string', default: '64' },
  dtype: { type: 'string', default: 'float32' },
  steps: { type: 'string', default: '3' },
  threads: { type: 'string', default: '2' },
  prompts: { type: 'string', default: '1' },
} as const;
