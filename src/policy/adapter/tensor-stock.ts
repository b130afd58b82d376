import { ModelError } from '../../system/errors.js';
import { fromPeftName, toPeftName } from './names.js';

/** What a tensor of an adapter is to the weight (or bias) that it is about. */
export type Role = 'whole' | 'a' | 'b' | 'embeddingA' | 'embeddingB' | 'magnitude' | 'rows' | 'addend';

/** How peft's names end, and the part of the module that they are about. The last two take what the others leave. */
const ENDINGS: { pattern: RegExp; role: Role; part: '.weight' | '.bias'; written: string }[] = [
  { pattern: /\.lora_A\.weight$/, role: 'a', part: '.weight', written: '.lora_A.weight' },
  { pattern: /\.lora_B\.weight$/, role: 'b', part: '.weight', written: '.lora_B.weight' },
  { pattern: /\.lora_B\.bias$/, role: 'addend', part: '.bias', written: '.lora_B.bias' },
  { pattern: /\.lora_embedding_A$/, role: 'embeddingA', part: '.weight', written: '.lora_embedding_A' },
  { pattern: /\.lora_embedding_B$/, role: 'embeddingB', part: '.weight', written: '.lora_embedding_B' },
  {
    pattern: /\.lora_magnitude_vector(\.weight)?$/,
    role: 'magnitude',
    part: '.weight',
    written: '.lora_magnitude_vector',
  },
  {
    pattern: /\.token_adapter\.trainable_tokens_delta$/,
    role: 'rows',
    part: '.weight',
    written: '.token_adapter.trainable_tokens_delta',
  },
  { pattern: /(\.base_layer)?\.weight$/, role: 'whole', part: '.weight', written: '.weight' },
  { pattern: /(\.base_layer)?\.bias$/, role: 'whole', part: '.bias', written: '.bias' },
];

interface Entry {
  weight: string;
  role: Role;
  /** Its name in the file. */
  stored: string;
  shape: readonly number[];
}

/** The tensors of an adapter's file, each to be taken once: what is left in the end has no use. */
export class TensorStock {
  readonly #folder: string;
  readonly #entries = new Map<string, Entry>();
  readonly #taken = new Set<Entry>();

  /**
   * @param tensors their shapes by their names in the file
   * @throws ModelError `TENSOR_UNUSED` for a name that is none of LoRA's, or two names of one tensor
   */
  constructor({ folder, tensors }: { folder: string; tensors: ReadonlyMap<string, { shape: readonly number[] }> }) {
    this.#folder = folder;
    for (const [stored, { shape }] of tensors) {
      const name = fromPeftName(stored);
      const ending = name === undefined ? undefined : ENDINGS.find(({ pattern }) => pattern.test(name));
      if (name === undefined || ending === undefined)
        throw this.error('TENSOR_UNUSED', `has a tensor ${stored}, which is none that LoRA is made of`);
      const weight = name.replace(ending.pattern, ending.part);
      const twin = this.#find(weight, ending.role);
      if (twin !== undefined)
        throw this.error('TENSOR_UNUSED', `has both ${twin.stored} and ${stored}, two names of one tensor: keep one`);
      this.#entries.set(`${ending.role} ${weight}`, { weight, role: ending.role, stored, shape });
    }
  }

  has(weight: string, role: Role): boolean {
    return this.#find(weight, role) !== undefined;
  }

  /**
   * @param shape that it must have
   * @param field of the config that asks for it
   * @returns the tensor's name in the file
   * @throws ModelError `TENSOR_MISSING`, `TENSOR_SHAPE`
   */
  take(args: { weight: string; role: Role; shape: readonly number[]; field: string }): string {
    const { weight, role, shape, field } = args;
    const entry = this.#find(weight, role);
    if (entry === undefined) {
      const { part, written } = ENDINGS.find((ending) => ending.role === role && weight.endsWith(ending.part))!;
      const name = toPeftName(weight.slice(0, -part.length)) + written;
      throw this.error(
        'TENSOR_MISSING',
        `has no tensor ${name}, which ${field} in its config asks for: it is incomplete`,
      );
    }
    this.#taken.add(entry);
    if (entry.shape.join() === shape.join()) return entry.stored;
    const sizes = `is [${entry.shape.join(', ')}], and the model needs [${shape.join(', ')}]`;
    const isVocabulary =
      role === 'whole' && entry.shape[0] !== shape[0] && /^(model\.embed_tokens|lm_head)\./.test(weight);
    const remedy = isVocabulary
      ? '. Give the model its vocabulary of then (resize_token_embeddings in transformers), save it, and name that'
      : '';
    throw this.error('TENSOR_SHAPE', `does not fit: ${entry.stored} ${sizes}${remedy}`);
  }

  /** What has not been taken. */
  left(): Entry[] {
    return [...this.#entries.values()].filter((entry) => !this.#taken.has(entry));
  }

  error(code: string, what: string): ModelError {
    return new ModelError({ code, message: `the adapter in ${this.#folder} ${what}` });
  }

  #find(weight: string, role: Role): Entry | undefined {
    return this.#entries.get(`${role} ${weight}`);
  }
}
