import path from 'node:path';
import * as hub from '@huggingface/tokenizers';
import { z } from 'zod';
import { ModelError } from '../errors.js';
import { readJson, readJsonIfPresent } from '../policy/files/json.js';

/** Text ↔ token ids, as Hugging Face's fast tokenizer of the same folder has it. */
export interface Tokenizer {
  /** Added tokens (`<|im_end|>`) in the text become their ids. Nothing is put before or after the text. */
  encode(text: string): Int32Array;
  /** Ids without a token (a vocabulary is often padded) give no text, and incomplete UTF-8 gives U+FFFD. */
  decode(ids: Iterable<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** @throws ModelError `TOKENIZER_TOKEN_MISSING` */
  idOf(token: string): number;
  /** Of all tokens that the tokenizer marks as special. */
  specialTokenIds: ReadonlySet<number>;
}

/** What is used of the library, whose own declarations do not resolve in ES modules (they leave out file endings). */
interface HubTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_added_tokens_decoder(): Map<number, { special: boolean }>;
}

const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional() }),
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string() })),
});
const remedy = "give a model folder in Hugging Face layout; transformers' save_pretrained writes this file.";

/**
 * Loads `tokenizer.json` (with `tokenizer_config.json`, where there is one).
 *
 * @throws ModelError `MODEL_FILE_MISSING` or `MODEL_FILE_INVALID`, naming the file.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const file = path.join(folder, 'tokenizer.json');
  const json = await readJson({ file, schema: tokenizerSchema, remedy });
  const config = await readJsonIfPresent({
    file: path.join(folder, 'tokenizer_config.json'),
    schema: z.looseObject({ clean_up_tokenization_spaces: z.boolean().nullish() }),
  });
  const library = createTokenizer({ file, json, config: config ?? {} });
  // The library's default is to tidy up spaces before punctuation; transformers' is to leave text as it is.
  const tidy = config?.clean_up_tokenization_spaces ?? false;

  return {
    encode: (text) => {
      const { ids } = library.encode(text, { add_special_tokens: false });
      return Int32Array.from(ids, (id) => id ?? fail(incomplete(file, text)));
    },
    decode: (ids, { skipSpecialTokens = false } = {}) => {
      const known = [...ids].filter((id) => library.id_to_token(id) !== undefined);
      if (known.length === 0) return '';
      return library.decode(known, { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: tidy });
    },
    idOf: (token) => library.token_to_id(token) ?? fail(missing(file, token)),
    specialTokenIds: new Set(
      [...library.get_added_tokens_decoder()].flatMap(([id, { special }]) => (special ? id : [])),
    ),
  };
}

function createTokenizer({ file, json, config }: { file: string; json: object; config: object }): HubTokenizer {
  try {
    return new hub.Tokenizer(json, config);
  } catch (cause) {
    throw new ModelError({
      code: 'MODEL_FILE_INVALID',
      message: `${file} is no tokenizer that can be used (${(cause as Error).message}): take the one that came with the weights.`,
      cause,
    });
  }
}

const incomplete = (file: string, text: string): ModelError =>
  new ModelError({
    code: 'TOKENIZER_INCOMPLETE',
    message: `${file} has no tokens for a part of ${JSON.stringify(text.slice(0, 80))}: a byte-level vocabulary must hold all 256 bytes.`,
  });

const missing = (file: string, token: string): ModelError =>
  new ModelError({
    code: 'TOKENIZER_TOKEN_MISSING',
    message: `${file} has no token ${token}: it is not the tokenizer of a Qwen2-VL model; take the one that came with the weights.`,
  });

const fail = (error: ModelError): never => {
  throw error;
};
