import path from 'node:path';
import { type Adapted, type Change, EMBEDDING, HEAD, isEmbedding } from './change.js';
import { ADAPTER_CONFIG, moduleName } from './names.js';
import { patternValues, targetedModules } from './targets.js';
import type { Role } from './tensor-stock.js';

interface Layer {
  layer: string;
  shape: readonly number[];
  r: number;
  scale: number;
}

/** LoRA's factors, DoRA's lengths and what is trained of biases, on each module that the config means. */
export function* lowRank(adapted: Adapted): Generator<[string, Change]> {
  const { config, stock, shapes } = adapted;
  for (const { layer, shape, r, scale } of targetedLayers(adapted)) {
    const [weight, bias] = [`${layer}.weight`, `${layer}.bias`];
    // `proj` is also the name of the patch embedding, a convolution, which some that write adapters do not think of.
    if (shape.length > 2 && !stock.has(weight, 'a') && !stock.has(weight, 'b')) continue;
    // `target_parameters` puts the factors of a linear layer on an embedding.
    const isTable = isEmbedding(layer) && !stock.has(weight, 'a');
    const [out, width, ...window] = shape as [number, number, ...number[]];
    const ones = window.map(() => 1);
    const take = (role: Role, size: number[], field = 'target_modules') =>
      stock.take({ weight, role, shape: size, field });
    const [a, b] = isTable
      ? [take('embeddingA', [r, out]), take('embeddingB', [width, r])]
      : [take('a', [r, width, ...window]), take('b', [out, r, ...ones])];
    const lengths = window.length > 0 ? [1, out, ...ones] : [isTable ? width : out];
    const magnitude = config.use_dora ? take('magnitude', lengths, 'use_dora') : undefined;
    yield [weight, { factors: { a, b, r, scale, isEmbedding: isTable }, magnitude }];
    if (config.lora_bias && !isTable) {
      const tensor = stock.take({ weight: bias, role: 'addend', shape: [out], field: 'lora_bias' });
      yield [bias, { addend: { tensor, scale } }];
    }
    if (config.bias === 'lora_only' && shapes.has(bias))
      yield [bias, { whole: stock.take({ weight: bias, role: 'whole', shape: [out], field: 'bias' }) }];
  }
}

function targetedLayers({ folder, config, stock, style, shapes, isTied }: Adapted): Layer[] {
  const file = path.join(folder, ADAPTER_CONFIG);
  const modules = [...shapes]
    .filter(([name, { length }]) => name.endsWith('.weight') && length > 1)
    .map(([name, shape]) => {
      const layer = name.slice(0, -'.weight'.length);
      return { layer, shape, name: moduleName(layer, style), isLinear: shape.length === 2 && !isEmbedding(layer) };
    });
  const targets = targetedModules({ config, modules, file });
  const twins = [EMBEDDING, HEAD].map((layer) => moduleName(layer, style));
  // peft 0.19 takes the two for tied even where they are not.
  const areTied = config.ensure_weight_tying && (isTied || stock.has(`${HEAD}.weight`, 'a'));
  if (areTied && twins.some((name) => targets.has(name))) for (const name of twins) targets.add(name);
  const ranks = patternValues({ field: 'rank_pattern', patterns: config.rank_pattern, modules, file });
  const alphas = patternValues({ field: 'alpha_pattern', patterns: config.alpha_pattern, modules, file });

  return modules
    .filter(({ name }) => targets.has(name))
    .map(({ layer, shape, name }) => {
      const r = ranks.get(name) ?? config.r;
      const scale = (alphas.get(name) ?? config.lora_alpha) / (config.use_rslora ? Math.sqrt(r) : r);
      return { layer, shape, r, scale };
    });
}
