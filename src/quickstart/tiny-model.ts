import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '../model-folder/safetensors.js';
import { checkpointName, parseModelConfig, weightShapes } from '../policy/families/named.js';
import { writeAtomically } from '../system/atomic-write.js';
import { putInPlace } from '../system/put-in-place.js';
import { randomBits, textKey } from '../system/random.js';
import { INITIALIZER_RANGE, type QuickstartFamily, tinyConfig, tinyProcessor } from './tiny-shape.js';
import { readTokenizerFacts, TOKENIZER_FILES, TOKENIZER_FOLDER } from './tokenizer.js';

/**
 * Writes a model of about 0.6 million random weights in Hugging Face layout, tokenizer and all. Each weight is a pure
 * function of (seed, tensor name, position). `config.json` comes last: a folder that has it is whole.
 */
export async function writeTinyModel({
  folder,
  seed,
  family = 'qwen2_vl',
}: {
  folder: string;
  seed: number;
  family?: QuickstartFamily;
}): Promise<void> {
  const facts = await readTokenizerFacts();
  await mkdir(folder, { recursive: true });
  for (const name of TOKENIZER_FILES) await copyFile(join(TOKENIZER_FOLDER, name), join(folder, name));
  const writeJson = (name: string, value: object) =>
    writeAtomically({ file: join(folder, name), text: `${JSON.stringify(value, null, 2)}\n` });
  await writeJson('preprocessor_config.json', tinyProcessor(family));
  await writeJson('generation_config.json', {
    do_sample: false,
    eos_token_id: facts.idOf('<|im_end|>'),
    pad_token_id: facts.idOf('<|endoftext|>'),
  });

  const weights = join(folder, 'model.safetensors');
  const json = tinyConfig({ family, facts });
  const config = parseModelConfig(json);
  const tensors = [...weightShapes(config)].map(([name, shape]) => ({
    name: checkpointName(config, name),
    shape,
    read: () => initialValues({ name, shape, seed }),
  }));
  await putInPlace({ place: weights, make: (file) => writeSafetensors({ file, tensors }) });
  await writeJson('config.json', json);
}

/** As transformers starts a model: normal matrices, zero biases, norms of one. */
function initialValues({ name, shape, seed }: { name: string; shape: number[]; seed: number }): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  if (shape.length > 1) fillNormal({ values, deviation: INITIALIZER_RANGE, key: randomBits(seed, textKey(name)) });
  else if (name.endsWith('.weight')) values.fill(1);
  return values;
}

/** Box–Muller with both of its results, as there are many to draw. */
function fillNormal({ values, deviation, key }: { values: Float32Array; deviation: number; key: number }): void {
  const uniform = (i: number) => (randomBits(key, i) + 0.5) / 2 ** 32;
  for (let i = 0; i < values.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform(i)));
    const angle = 2 * Math.PI * uniform(i + 1);
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
}
