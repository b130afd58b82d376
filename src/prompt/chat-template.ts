import path from 'node:path';
import { z } from 'zod';
import { readJsonIfPresent, readTextIfPresent, shortList } from '../model-folder/json.js';
import { DeadlinePassed, withDeadline } from '../system/deadline.js';
import { ModelError } from '../system/errors.js';
import { boundedTemplate } from './bounded-template.js';
import type { FamilyPrompt } from './family-prompt.js';

export type ContentPart = { type: 'video' } | { type: 'image' } | { type: 'text'; text: string };

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string | ContentPart[];
}

export interface ChatTemplate {
  /**
   * The conversation as one text, each video as `<|vision_start|><|video_pad|><|vision_end|>`, each picture alike. The
   * prompt for an answer ends where the assistant's words begin.
   *
   * @throws ModelError `CHAT_TEMPLATE_INVALID`
   */
  render(messages: ChatMessage[], options: { addGenerationPrompt: boolean }): string;
}

/** One of a model takes a millisecond. */
const MILLISECONDS = 5000;

const fileSchema = z.object({
  chat_template: z
    .union([z.string(), shortList(z.object({ name: z.string(), template: z.string() }), 1000)])
    .nullish()
    .transform((value) => (Array.isArray(value) ? value.find(({ name }) => name === 'default')?.template : value)),
});

/**
 * Loads a model folder's chat template from `chat_template.jinja`, `chat_template.json` or `tokenizer_config.json`, in
 * this order.
 *
 * @param fallback for a folder that has none
 * @throws ModelError `CHAT_TEMPLATE_INVALID` or `MODEL_FILE_INVALID`, naming the file.
 */
export async function loadChatTemplate({
  folder,
  fallback,
}: {
  folder: string;
  fallback: FamilyPrompt['chatTemplate'];
}): Promise<ChatTemplate> {
  const { file, source } = (await findTemplate(folder)) ?? { file: folder, source: fallback.source };
  const guard = <T>(work: () => T): T => {
    try {
      return withDeadline({ milliseconds: MILLISECONDS, work });
    } catch (cause) {
      throw new ModelError({
        code: 'CHAT_TEMPLATE_INVALID',
        message: `${file}: the chat template fails (${(cause as Error).message}): take the one that came with the model, or remove it to use ${fallback.name}'s.`,
        cause,
      });
    }
  };
  const render = guard(() => boundedTemplate(source));
  const template: ChatTemplate = {
    render: (messages, { addGenerationPrompt }) =>
      guard(() => render({ messages, add_generation_prompt: addGenerationPrompt })),
  };
  tryOut(template);
  return template;
}

/** That a template ends. What it refuses (a system message, a video) is no matter until it is asked for. */
function tryOut(template: ChatTemplate): void {
  const content: ContentPart[] = [{ type: 'video' }, { type: 'text', text: 'When does it happen?' }];
  try {
    template.render([{ role: 'user', content }], { addGenerationPrompt: true });
  } catch (error) {
    if ((error as Error).cause instanceof DeadlinePassed) throw error;
  }
}

async function findTemplate(folder: string): Promise<{ file: string; source: string } | undefined> {
  const jinja = path.join(folder, 'chat_template.jinja');
  const source = await readTextIfPresent(jinja);
  if (source !== undefined) return { file: jinja, source };

  for (const name of ['chat_template.json', 'tokenizer_config.json']) {
    const file = path.join(folder, name);
    const json = await readJsonIfPresent({ file, schema: fileSchema });
    if (json?.chat_template) return { file, source: json.chat_template };
  }
  return undefined;
}
