import path from 'node:path';
import { z } from 'zod';
import { readJsonIfPresent, shortList } from './json.js';

/** How the model's makers sample from it. What a model folder does not say is undefined. */
export interface GenerationConfig {
  /** Tokens that end a completion; empty if no file names one. */
  eosTokenIds: number[];
  padTokenId?: number;
  doSample?: boolean;
  temperature?: number;
  topP?: number;
  topK?: number;
  repetitionPenalty?: number;
}

const tokenId = z.number().int().nonnegative();
const eos = z
  .union([tokenId, shortList(tokenId, 1000)])
  .nullish()
  .transform((ids) => (typeof ids === 'number' ? [ids] : ids));

const generationSchema = z.object({
  eos_token_id: eos,
  pad_token_id: tokenId.nullish(),
  do_sample: z.boolean().nullish(),
  temperature: z.number().nonnegative().nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().nonnegative().nullish(),
  repetition_penalty: z.number().positive().nullish(),
});

const modelSchema = z.object({ eos_token_id: eos, text_config: z.object({ eos_token_id: eos }).optional() });

/**
 * Reads `generation_config.json`; where it is missing or silent, the end tokens are those of `config.json`.
 *
 * @throws ModelError `MODEL_FILE_INVALID`
 */
export async function readGenerationConfig(folder: string): Promise<GenerationConfig> {
  const generation = await readJsonIfPresent({
    file: path.join(folder, 'generation_config.json'),
    schema: generationSchema,
  });
  const model = await readJsonIfPresent({ file: path.join(folder, 'config.json'), schema: modelSchema });
  return {
    eosTokenIds: generation?.eos_token_id ?? model?.eos_token_id ?? model?.text_config?.eos_token_id ?? [],
    padTokenId: generation?.pad_token_id ?? undefined,
    doSample: generation?.do_sample ?? undefined,
    temperature: generation?.temperature ?? undefined,
    topP: generation?.top_p ?? undefined,
    topK: generation?.top_k ?? undefined,
    repetitionPenalty: generation?.repetition_penalty ?? undefined,
  };
}
