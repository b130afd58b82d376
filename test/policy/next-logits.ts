import { toBatch } from '../../src/policy/batch.js';
import type { Policy } from '../../src/policy/policy.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { scope } from '../../src/tensor/tensor.js';
import { type ModelCase, toPrompt } from './reference-models.js';

/** The logits after a prompt and the first `count` tokens of its completion. `[vocabulary]` */
export function nextLogits({
  policy,
  recorded,
  count,
}: {
  policy: Policy;
  recorded: ModelCase;
  count: number;
}): Float32Array {
  const { input_ids, position_ids, next_position, completion_ids } = recorded;
  const more = completion_ids.slice(0, count);
  const prompt = toPrompt({
    ...recorded,
    input_ids: [...input_ids, ...more],
    position_ids: position_ids.map((axis) => [...axis, ...more.map((_, i) => next_position + i)]),
  });
  return scope(() =>
    downloadFloats(policy.encodePrompts({ batch: toBatch({ prompts: [prompt] }), keepsPass: false }).logits),
  );
}
