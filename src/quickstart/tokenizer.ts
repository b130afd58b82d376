/** The tokenizer of the quickstart's tiny model: part of the package, made by scripts/fixtures/quickstart_tokenizer.py. */
import { readFile } from 'node:fs/promises';
import { packageFile } from '../system/package-file.js';

/** Holds `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`. */
export const TOKENIZER_FOLDER = packageFile('data/quickstart/tokenizer');

export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'] as const;

/** Ids that a model's `config.json` names. */
export interface TokenizerFacts {
  /** Ids run from 0 to `vocabSize - 1`. */
  vocabSize: number;
  idOf(token: string): number;
}

export async function readTokenizerFacts(): Promise<TokenizerFacts> {
  const text = await readFile(`${TOKENIZER_FOLDER}/tokenizer.json`, 'utf8');
  const { model, added_tokens } = JSON.parse(text) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number; content: string }[];
  };
  const ids = new Map(Object.entries(model.vocab));
  for (const { id, content } of added_tokens) ids.set(content, id);
  return {
    vocabSize: Math.max(...ids.values()) + 1,
    idOf: (token) => {
      const id = ids.get(token);
      if (id === undefined) throw new Error(`the quickstart's tokenizer lacks ${token}`);
      return id;
    },
  };
}
