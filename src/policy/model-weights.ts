import type { ModelConfig } from '../model-folder/model-config.js';
import { toFloat32 } from '../model-folder/safetensors.js';
import { openWeights, type Weights } from '../model-folder/weights.js';
import { ModelError } from '../system/errors.js';
import { weightShapes } from './families/named.js';

const EMBEDDING = 'model.embed_tokens.weight';
const OUTPUT = 'lm_head.weight';
/** Tables that some releases of transformers have saved, and that are computed here. */
const COMPUTED = /\.(rotary_emb|rotary_pos_emb)\.inv_freq$/;
/** What quantizers put beside, or in the place of, a layer's `weight`: GPTQ, AWQ, bitsandbytes, compressed-tensors, fp8. */
const QUANTIZED =
  /\.(qweight|qzeros|scales|g_idx|SCB|weight_format|weight_(packed|scale|scale_inv|zero_point|shape|g_idx)|(input|output)_scale|weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..+))$/;

/**
 * Opens the weights of a model folder, and checks from their headers that they are those of `config`: all there, in
 * their shapes, in a type that can be read, and none left over. An output layer beside a tied embedding must equal it.
 *
 * @throws ModelError `TENSOR_MISSING`, `TENSOR_SHAPE`, `TENSOR_UNUSED`, `WEIGHTS_QUANTIZED`, `WEIGHTS_EMPTY`,
 *   `WEIGHTS_TIED`, and those of `openWeights`
 */
export async function openModelWeights(args: { folder: string; config: ModelConfig }): Promise<Weights> {
  const weights = await openWeights(args.folder);
  try {
    const shapes = weightShapes(args.config);
    checkKind({ ...args, weights, shapes });
    for (const [name, shape] of shapes) weights.check(name, shape);
    checkUnused({ ...args, weights, shapes });
    if (args.config.tieWordEmbeddings && weights.has(OUTPUT)) await checkTied({ ...args, weights });
    return weights;
  } catch (error) {
    await weights.close();
    throw error;
  }
}

interface Checked {
  folder: string;
  weights: Weights;
  shapes: ReadonlyMap<string, readonly number[]>;
}

/** Ways of saving a model after which its tensors are not its weights. */
function checkKind({ folder, weights, shapes }: Checked): void {
  const names = weights.names();
  const missing = [...shapes.keys()].find((name) => !weights.has(name));
  const quantized = names.find((name) => QUANTIZED.test(name));
  if (quantized !== undefined) {
    const message = `the weights in ${folder} are quantized (${quantized}): use the checkpoint that was not; to save memory, train with model.lora and model.dtype bfloat16.`;
    throw new ModelError({ code: 'WEIGHTS_QUANTIZED', message });
  }
  const empty = [...shapes.keys()].find((name) => weights.has(name) && weights.shape(name).includes(0));
  if (empty !== undefined) {
    const message = `the weights in ${folder} are placeholders (${empty} is [${weights.shape(empty).join(', ')}]), as DeepSpeed's ZeRO-3 leaves them: save with stage3_gather_16bit_weights_on_model_save, or put the parts together with zero_to_fp32.py.`;
    throw new ModelError({ code: 'WEIGHTS_EMPTY', message });
  }
  const adapter = names.find((name) => /\.(base_layer|lora_[AB])\./.test(name));
  if (adapter !== undefined) {
    const message = `the weights in ${folder} are those of a model in an adapter's wrapping (${adapter}): merge the two (merge_and_unload of peft), or give base model and adapter apart.`;
    throw new ModelError({ code: 'TENSOR_MISSING', message });
  }
  const wrapped = missing === undefined ? undefined : names.find((name) => name.endsWith(`.${missing}`));
  if (wrapped !== undefined) {
    const message = `the weights in ${folder} have ${missing} as ${wrapped}: they were saved from a wrapped model; save the model inside, or take ${wrapped.slice(0, -missing!.length)} off the names.`;
    throw new ModelError({ code: 'TENSOR_MISSING', message });
  }
}

function checkUnused({ folder, weights, shapes, config }: Checked & { config: ModelConfig }): void {
  const isCopy = (name: string) => config.tieWordEmbeddings && name === OUTPUT;
  const unused = weights.names().filter((name) => !shapes.has(name) && !isCopy(name) && !COMPUTED.test(name));
  if (unused.length === 0) return;
  const shown = unused.slice(0, 3).join(', ') + (unused.length > 3 ? ` and ${unused.length - 3} more` : '');
  const message = `the weights in ${folder} hold what config.json has no place for: ${shown}. Either config.json is another model's, or they were added to the model: save it without them.`;
  throw new ModelError({ code: 'TENSOR_UNUSED', message });
}

/** transformers 4 takes the embedding for both, transformers 5 takes each for itself: nobody can tell which is meant. */
async function checkTied({ folder, weights }: { folder: string; weights: Weights }): Promise<void> {
  const isEqual = weights.shape(OUTPUT).join() === weights.shape(EMBEDDING).join() && (await haveEqualValues(weights));
  if (isEqual) return;
  const message = `${folder}/config.json says tie_word_embeddings: true, but the weights hold a ${OUTPUT} that is not ${EMBEDDING}: set tie_word_embeddings to false if the output layer was trained by itself, or save the model without ${OUTPUT}.`;
  throw new ModelError({ code: 'WEIGHTS_TIED', message });
}

async function haveEqualValues(weights: Weights): Promise<boolean> {
  const [a, b] = [await weights.read(EMBEDDING), await weights.read(OUTPUT)];
  if (a.dtype === b.dtype) return Buffer.compare(a.bytes, b.bytes) === 0;
  const [x, y] = [toFloat32(a), toFloat32(b)];
  return x.every((value, i) => value === y[i]);
}
