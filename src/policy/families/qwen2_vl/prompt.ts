import { CLIP_PROCESSOR } from '../../../model-folder/video-processor-config.js';
import type { FamilyPrompt } from '../../../prompt/family-prompt.js';

/** The template of the published Instruct models of Qwen2-VL and Qwen2.5-VL. */
export const QWEN2_CHAT_TEMPLATE = [
  '{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}',
  '{% for message in messages %}',
  "{% if loop.first and message['role'] != 'system' %}",
  '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n',
  '{% endif %}',
  "<|im_start|>{{ message['role'] }}\n",
  "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}",
  "{% for content in message['content'] %}",
  "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}",
  '{% set image_count.value = image_count.value + 1 %}',
  '{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>',
  "{% elif content['type'] == 'video' or 'video' in content %}",
  '{% set video_count.value = video_count.value + 1 %}',
  '{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}<|vision_start|><|video_pad|><|vision_end|>',
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}",
  '{% endfor %}<|im_end|>\n{% endif %}',
  '{% endfor %}',
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
].join('');

/** A video's time is the index of its slice. */
export const prompt: FamilyPrompt = {
  chatTemplate: { name: 'Qwen2-VL', source: QWEN2_CHAT_TEMPLATE },
  processor: CLIP_PROCESSOR,
  blocks: ({ visual: { grid } }) => [{ grid }],
};
