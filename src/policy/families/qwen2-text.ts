import type { z } from 'zod';
import type { TextConfig } from '../../model-folder/model-config.js';
import { commonText, ropeOf, type textEntries } from './config-parts.js';
import { consecutiveAxes, type MropeSection } from './rope-axes.js';

/** The default of transformers. */
const ROPE_THETA = 1_000_000;

/** The decoder of Qwen2, that of Qwen2-VL and Qwen2.5-VL. */
export function qwen2Text(
  json: z.infer<z.ZodObject<typeof textEntries>>,
  context: z.RefinementCtx,
): { text: TextConfig; section: MropeSection | null } {
  const { theta, section } = ropeOf(json, { theta: ROPE_THETA, section: null });
  if (section === null)
    context.addIssue({ code: 'custom', path: ['rope_scaling'], message: 'is missing: M-RoPE needs mrope_section' });
  const text = {
    ...commonText(json),
    headDim: json.hidden_size / json.num_attention_heads,
    attentionBias: true,
    qkNorm: false,
    ropeTheta: theta,
    ropeAxes: consecutiveAxes(section ?? [0, 0, 0]),
  };
  return { text, section };
}
