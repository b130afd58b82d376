import type { Combination } from './combination.js';

/** What goes together with an engine that samples elsewhere. */
export const ENGINE_COMBINATIONS: Combination[] = [
  {
    reads: [['rollout', 'engine'], ['model'], ['method']],
    problem: ({ rollout, model, method }) => {
      if (rollout.engine.name === 'local') return undefined;
      if (method !== 'grpo') return 'is for method: grpo; nothing is sampled otherwise';
      if (model.lora === undefined) return 'needs model.lora: servers are given an adapter, not a whole model';
      if (!model.freeze_vision || model.lora.modules_to_save !== undefined)
        return 'needs model.freeze_vision and no model.lora.modules_to_save: servers take adapters of the language model alone';
      return undefined;
    },
  },
  {
    reads: [
      ['rollout', 'max_staleness'],
      ['rollout', 'engine'],
      ['grpo', 'dynamic_sampling'],
      ['data', 'curriculum'],
    ],
    problem: ({ rollout, grpo, data }) => {
      if (rollout.max_staleness === 0) return undefined;
      if (rollout.engine.name === 'local') return 'is for an engine that samples elsewhere (rollout.engine)';
      if (grpo.dynamic_sampling || data.curriculum !== undefined)
        return 'cannot go with grpo.dynamic_sampling or data.curriculum: what comes next depends on this step';
      return undefined;
    },
  },
];
