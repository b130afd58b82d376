import type { FamilyPrompt } from '../../../prompt/family-prompt.js';
import type { Qwen3VLConfig } from './config.js';

/** The template of the published Qwen3-VL-Instruct models, as far as it is not about tools. */
const CHAT_TEMPLATE = [
  '{% for message in messages %}',
  "<|im_start|>{{ message['role'] }}\n",
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}",
  "{% for content in message['content'] %}",
  "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}",
  '<|vision_start|><|image_pad|><|vision_end|>',
  "{% elif content['type'] == 'video' or 'video' in content %}",
  '<|vision_start|><|video_pad|><|vision_end|>',
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}",
  '{% endfor %}{% endif %}<|im_end|>\n',
  '{% endfor %}',
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
].join('');

/** Each slice of a video stands as a picture, with its time as text before it. */
export const prompt: FamilyPrompt<Qwen3VLConfig> = {
  chatTemplate: { name: 'Qwen3-VL', source: CHAT_TEMPLATE },
  processor: { patchSize: 16, imageMean: [0.5, 0.5, 0.5], imageStd: [0.5, 0.5, 0.5] },
  blocks: ({ visual: { kind, grid, times }, config: { vision } }) => {
    if (kind === 'image') return [{ grid }];
    const [slices, rows, columns] = grid;
    const size = vision.temporalPatchSize;
    // The last frame is repeated until it fills its slice.
    const timeOf = (frame: number) => times[Math.min(frame, times.length - 1)]!;
    return Array.from({ length: slices }, (_, slice) => ({
      grid: [1, rows, columns],
      label: `<${oneDecimal((timeOf(slice * size) + timeOf(slice * size + size - 1)) / 2)} seconds>`,
    }));
  },
};

/** As Python writes a number with one decimal: a tie, which doubles have at quarters alone, goes to the even digit. */
export function oneDecimal(value: number): string {
  const quarters = value * 4;
  const isTie = Number.isInteger(quarters) && quarters % 2 !== 0;
  if (!isTie) return value.toFixed(1);
  const low = Math.floor(value * 10);
  return ((low % 2 === 0 ? low : low + 1) / 10).toFixed(1);
}
