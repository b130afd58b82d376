import type { Policy } from '../../policy/policy.js';
import type { Processor } from '../../prompt/processor.js';
import type { RolloutEngine } from '../engine.js';
import { generate } from '../generate.js';

/** Samples with the policy itself, in this process: its weights are always the latest. */
export function localEngine({ policy, processor }: { policy: Policy; processor: Processor }): RolloutEngine {
  const { endTokenIds } = processor;
  return {
    sync: async () => {},
    generate: async (request) => ({ ...generate({ ...request, policy, endTokenIds }), behaviour: 'policy' }),
    close: async () => {},
  };
}
