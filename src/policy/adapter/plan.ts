import type { ModelConfig } from '../../model-folder/model-config.js';
import { ModelError } from '../../system/errors.js';
import { weightShapes } from '../families/named.js';
import { isVision } from '../shapes.js';
import { HEAD, isEmbedding } from './change.js';
import { isInModule, moduleName } from './names.js';
import { type Module, patternValues, targetedModules } from './targets.js';

/** What is trained of a low-rank adapter, in the words of peft's `LoraConfig`. */
export interface LoraSettings {
  r: number;
  lora_alpha: number;
  /** The ends of modules' names, such as `q_proj`; `all-linear`; or a pattern of whole names. */
  target_modules: string | readonly string[];
  exclude_modules?: string | readonly string[];
  /** Of modules whose names a pattern ends with. */
  rank_pattern?: Readonly<Record<string, number>>;
  alpha_pattern?: Readonly<Record<string, number>>;
  /** Scale by lora_alpha / √r. */
  use_rslora?: boolean;
  /** Modules that are trained themselves, by the ends of their names. */
  modules_to_save?: readonly string[];
}

/** The two factors of an adapted layer as they are stored, `[r, in, …]` and `[out, r, …]`; W + scale · B A. */
interface PlannedLayer {
  a: number[];
  b: number[];
  scale: number;
}

/** Which layers get an adapter, and which weights are trained themselves, with their shapes. */
export interface AdapterPlan {
  layers: Map<string, PlannedLayer>;
  whole: Map<string, number[]>;
}

interface PlanArgs {
  model: ModelConfig;
  lora: LoraSettings;
  /** The vision tower stays as it is. */
  freezesVision: boolean;
}

const FIELD = 'model.lora';
const VISION = '.*visual.*';

/**
 * What a config's `model.lora` means for a model, by peft's rules.
 *
 * @throws ModelError `LORA_TARGETS` naming what no module fits, or what cannot be trained in such a way
 */
export function planAdapter(args: PlanArgs): AdapterPlan {
  const { model, lora } = args;
  const shapes = weightShapes(model);
  const modules = modulesOf(shapes);
  checkNames({ ...args, modules });
  const file = FIELD;
  const targets = targetedModules({ config: targetsOf(args), modules, file });
  const values = (field: 'rank_pattern' | 'alpha_pattern') =>
    patternValues({ field, patterns: lora[field] ?? {}, modules, file });
  const [ranks, alphas] = [values('rank_pattern'), values('alpha_pattern')];

  const plan: AdapterPlan = { layers: new Map(), whole: wholeWeights(args, shapes) };
  for (const { name, layer, shape } of modules.filter(({ name }) => targets.has(name))) {
    if (isEmbedding(layer) || layer === HEAD)
      throw refused(`target_modules reaches ${name}, which gets no adapter here: train it whole (modules_to_save)`);
    const r = ranks.get(name) ?? lora.r;
    const scale = (alphas.get(name) ?? lora.lora_alpha) / (lora.use_rslora === true ? Math.sqrt(r) : r);
    const [out, ...width] = shape as [number, ...number[]];
    plan.layers.set(layer, { a: [r, ...width], b: [out, r, ...width.slice(1).map(() => 1)], scale });
  }
  if (plan.layers.size === 0) throw refused('target_modules fits no layer of the model');
  return plan;
}

/** The fields that peft is given, the frozen tower among what is excluded. */
export function targetsOf({ lora, freezesVision }: Pick<PlanArgs, 'lora' | 'freezesVision'>) {
  const own = lora.exclude_modules ?? [];
  const names = (list: readonly string[]) => list.map((name) => `(?:.*\\.)?${name.replaceAll('.', '\\.')}`);
  const given = typeof own === 'string' ? [own].filter((pattern) => pattern !== '') : names(own);
  return {
    target_modules: typeof lora.target_modules === 'string' ? lora.target_modules : [...lora.target_modules],
    exclude_modules: freezesVision ? [...given, VISION].join('|') : typeof own === 'string' ? own : [...own],
    modules_to_save: [...(lora.modules_to_save ?? [])],
    layers_to_transform: null,
    layers_pattern: [],
    target_parameters: [],
  };
}

type NamedModule = Module & { layer: string; shape: readonly number[] };

/** Modules with a matrix or a convolution for a weight, under the names that they have in memory. */
const modulesOf = (shapes: ReadonlyMap<string, readonly number[]>): NamedModule[] =>
  [...shapes]
    .filter(([name, { length }]) => name.endsWith('.weight') && length > 1)
    .map(([weight, shape]) => {
      const layer = weight.slice(0, -'.weight'.length);
      return { layer, shape, name: moduleName(layer, 'nested'), isLinear: shape.length === 2 && !isEmbedding(layer) };
    });

/** Each name of a list fits something that may be trained. */
function checkNames({ lora, freezesVision, modules }: PlanArgs & { modules: NamedModule[] }): void {
  if (typeof lora.target_modules === 'string') return;
  for (const target of lora.target_modules) {
    const found = modules.filter(({ name }) => name === target || name.endsWith(`.${target}`));
    if (found.length === 0) throw refused(`target_modules names ${target}, and the model has no such layer`);
    if (freezesVision && found.every(({ layer }) => isVision(layer)))
      throw refused(`target_modules names ${target}, a layer of the vision tower: set model.freeze_vision to false`);
  }
}

function wholeWeights(
  { model, lora, freezesVision }: PlanArgs,
  shapes: ReadonlyMap<string, number[]>,
): AdapterPlan['whole'] {
  const whole: AdapterPlan['whole'] = new Map();
  for (const module of lora.modules_to_save ?? []) {
    const found = [...shapes].filter(([weight]) => isInModule({ module, weight, style: 'nested' }));
    if (model.tieWordEmbeddings && (module.endsWith('lm_head') || module.endsWith('embed_tokens')))
      throw refused(`modules_to_save names ${module}, and the model's output layer is its embedding: they cannot part`);
    if (found.length === 0) throw refused(`modules_to_save names ${module}, and the model has no such module`);
    if (freezesVision && found.some(([weight]) => isVision(weight)))
      throw refused(`modules_to_save names ${module}, a part of the vision tower: set model.freeze_vision to false`);
    for (const [weight, shape] of found) whole.set(weight, shape);
  }
  return whole;
}

const refused = (what: string): ModelError => new ModelError({ code: 'LORA_TARGETS', message: `${FIELD}: ${what}.` });
