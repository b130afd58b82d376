import path from 'node:path';
import * as hub from '@huggingface/tokenizers';
import { z } from 'zod';
import { readJson, readJsonIfPresent, shortList } from '../model-folder/json.js';
import { DeadlinePassed, withDeadline } from '../system/deadline.js';
import { ModelError } from '../system/errors.js';

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
  /** Of all tokens. */
  largestId: number;
}

/** What is used of the library, whose own declarations do not resolve in ES modules (they leave out file endings). */
interface HubTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  /** Added tokens are among them. Ids are what the file says, of whatever type. */
  model: { tokens_to_ids: Map<string, unknown> };
  get_added_tokens_decoder(): Map<number, { special: boolean }>;
}

const id = z.number().int().nonnegative();
const vocabulary = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null,
  'must be an object of tokens and their ids',
);
const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional(), vocab: vocabulary }),
  added_tokens: shortList(z.looseObject({ id, content: z.string() }), 100_000),
});
type TokenizerJson = z.infer<typeof tokenizerSchema>;
const ENDLESS = 'TOKENIZER_ENDLESS';
const remedy =
  "take the one that came with the model; where only vocab.json and merges.txt did, transformers' AutoTokenizer reads them, and its save_pretrained writes tokenizer.json.";

/** For making the tokenizer (one of 150,000 tokens takes 1 s, on a busy machine 10), and for a text (a question takes a millisecond). */
const LOAD_MILLISECONDS = 120_000;
const TEXT_MILLISECONDS = 5000;
/** Runs of each kind of character, after which comes none that ends a match. */
const TRIAL = ['a', 'Z', '7', ' ', '\n', '.', '-', '<', 'é', '日']
  .map((character) => `${character.repeat(64)}\x01`)
  .join('');
/** How much longer a text may become on its way through. Tokenizers replace characters by characters. */
const MAX_GROWTH = 64;

/**
 * Loads `tokenizer.json` (with `tokenizer_config.json`, where there is one).
 *
 * @throws ModelError `MODEL_FILE_MISSING` or `MODEL_FILE_INVALID`, naming the file; `TOKENIZER_ENDLESS`, here or later,
 *   where a text takes more than seconds.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const file = path.join(folder, 'tokenizer.json');
  const json = await readJson({ file, schema: tokenizerSchema, remedy });
  const config = await readJsonIfPresent({
    file: path.join(folder, 'tokenizer_config.json'),
    schema: z.looseObject({ clean_up_tokenization_spaces: z.boolean().nullish() }),
  });
  const { library, largestId } = guarded(file, LOAD_MILLISECONDS, () =>
    createTokenizer({ json, config: config ?? {} }),
  );
  // The library's default is to tidy up spaces before punctuation; transformers' is to leave text as it is.
  const tidy = config?.clean_up_tokenization_spaces ?? false;
  const idsOf = (text: string): (number | undefined)[] =>
    guarded(file, TEXT_MILLISECONDS, () => library.encode(text, { add_special_tokens: false }).ids);
  // What is no tokenizer shows here, not at the first question.
  idsOf(TRIAL);

  return {
    encode: (text) => Int32Array.from(idsOf(text), (id) => id ?? fail(incomplete(file, text))),
    decode: (ids, { skipSpecialTokens = false } = {}) => {
      const known = [...ids].filter((id) => library.id_to_token(id) !== undefined);
      if (known.length === 0) return '';
      const options = { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: tidy };
      return guarded(file, TEXT_MILLISECONDS, () => library.decode(known, options));
    },
    idOf: (token) => library.token_to_id(token) ?? fail(missing(file, token)),
    specialTokenIds: new Set(
      [...library.get_added_tokens_decoder()].flatMap(([id, { special }]) => (special ? id : [])),
    ),
    largestId,
  };
}

/** Runs a part of the library, whose patterns come with the file, and tells what becomes of it. */
function guarded<T>(file: string, milliseconds: number, work: () => T): T {
  try {
    return withDeadline({ milliseconds, work });
  } catch (cause) {
    throw new ModelError({
      code: cause instanceof DeadlinePassed ? ENDLESS : 'MODEL_FILE_INVALID',
      message: `${file} is no tokenizer that can be used (${(cause as Error).message}): take the one that came with the weights.`,
      cause,
    });
  }
}

function createTokenizer({ json, config }: { json: TokenizerJson; config: object }): {
  library: HubTokenizer;
  largestId: number;
} {
  const { normalizer, pre_tokenizer, decoder } = json;
  const growth = Math.max(...[normalizer, pre_tokenizer, decoder].map(growthOf));
  if (growth > MAX_GROWTH) throw new Error(`a text may become ${growth} times as long`);
  const library: HubTokenizer = new hub.Tokenizer(json, config);
  let largestId = 0;
  for (const id of library.model.tokens_to_ids.values()) {
    if (!Number.isInteger(id) || (id as number) < 0) throw new Error(`${String(id).slice(0, 40)} is no token's id`);
    largestId = Math.max(largestId, id as number);
  }
  return { library, largestId };
}

/** The product of the lengths of all that is put in, by whatever part of a step. */
function growthOf(step: unknown): number {
  if (typeof step !== 'object' || step === null) return 1;
  return Object.entries(step).reduce((product, [key, value]) => {
    const isPutIn = typeof value === 'string' && /^(content|prepend|replacement|prefix|suffix)$/.test(key);
    return product * (isPutIn ? Math.max(1, value.length) : growthOf(value));
  }, 1);
}

const incomplete = (file: string, text: string): ModelError =>
  new ModelError({
    code: 'TOKENIZER_INCOMPLETE',
    message: `${file} has no tokens for a part of ${JSON.stringify(text.slice(0, 80))}: a byte-level vocabulary must hold all 256 bytes.`,
  });

const missing = (file: string, token: string): ModelError =>
  new ModelError({
    code: 'TOKENIZER_TOKEN_MISSING',
    message: `${file} has no token ${token}: it is the tokenizer of another kind of model; take the one that came with the weights.`,
  });

const fail = (error: ModelError): never => {
  throw error;
};
