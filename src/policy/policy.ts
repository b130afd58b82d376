import type { ModelConfig } from '../model-folder/model-config.js';
import type { PromptCache } from '../tensor/kernels.js';
import { concat, reshape, transpose, upload } from '../tensor/ops.js';
import { bytesOf, dispose, scope, type Tensor } from '../tensor/tensor.js';
import { joinRows, type LayerSaved, layerBackward, layerForward } from './decoder-layer.js';
import { embed, embedBackward, embedTokens, type RowKinds, rowKinds, visionGradient } from './embedding.js';
import type { Tower, VisionTokens } from './families/family.js';
import { familyOf } from './families/named.js';
import { completionRows, type Geometry, geometryOf, lastLayer } from './geometry.js';
import { headOf, type LogprobGradient, logits, scoreTokens, scoreTokensBackward, type TokenScores } from './head.js';
import type { Heads } from './heads.js';
import type { Layout } from './layout.js';
import type { Parameters } from './parameters.js';
import { pickRows, spreadRows } from './rows.js';
import { isVision } from './shapes.js';
import { addDeep, joinVisuals } from './vision/deep.js';
import type { FeatureCache } from './vision/feature-cache.js';
import type { TowerInput } from './vision/patches.js';

/** Prompts and completions as the policy takes them. */
export interface Batch {
  layout: Layout;
  /** In the order of the prompts, and of each prompt's tokens. */
  visuals: TowerInput[];
}

/** A forward over prompts that serves their update too, if the weights are still the same. */
export interface PromptPass {
  /** By layer, its input and what its backward needs. */
  layers: { x: Tensor; saved: LayerSaved }[];
  /** The last layer's output of each prompt's last token, `[B, hidden]`. */
  hidden: Tensor;
  vision: TowerKept;
  /** Bytes that may still be kept for the backward. */
  room: number;
}

/** What the tower's backward needs, and how many layers it adds to; null where there is nothing to go back to. */
type TowerKept = { saved: unknown; deep: number } | null;

/**
 * A policy: weights and the computations on them. Tensors inside are by token row, `[N, hidden]`; prompts
 * stand in a batch once, however many completions they have (see `layout.ts`).
 */
export class Policy {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  readonly #features: FeatureCache | null;
  readonly #activationBytes: number;
  readonly #tower: Tower;

  /**
   * @param features keeps the tower's output by video, where the tower is frozen
   * @param activationBytes what layers may keep for the backward; layers past it compute their forward again
   */
  constructor(args: {
    config: ModelConfig;
    parameters: Parameters;
    features: FeatureCache | null;
    activationBytes?: number;
  }) {
    this.config = args.config;
    this.parameters = args.parameters;
    this.#features = args.features;
    this.#activationBytes = args.activationBytes ?? 2 * 2 ** 30;
    this.#tower = familyOf(args.config).openTower(args);
  }

  /** log π(token) and entropy of every completion token of the batch, at a temperature. `[M]` */
  score({ batch, temperature }: { batch: Batch; temperature: number }): TokenScores {
    return scope(() => {
      const { out } = this.#see(batch.visuals, false);
      const hidden = this.#layers({
        ...this.#embed(batch.layout, out),
        geometry: geometryOf({ layout: batch.layout, config: this.config.text }),
        onLayer: (x, saved) => dispose(x, saved),
      });
      return scoreTokens({
        ...headOf(this),
        hidden: pickRows(hidden, batch.layout.predictors),
        targets: batch.layout.targets,
        temperature,
      });
    });
  }

  /**
   * As `score`; then goes back and adds ∂loss/∂weight of every trainable weight to `parameters.gradients`.
   *
   * @param pass over the same prompts with the same weights, if one was kept: then only the completions are computed
   */
  scoreBackward(args: {
    batch: Batch;
    temperature: number;
    gradient: LogprobGradient;
    needsAll?: boolean;
    pass?: PromptPass;
  }): TokenScores {
    const { batch, temperature, gradient, needsAll, pass } = args;
    const { parameters, config } = this;
    const { layout } = batch;
    return scope(() => {
      const geometry = geometryOf({ layout, config: config.text });
      const { hidden, vision, layers } =
        pass === undefined ? this.#passOverAll(batch, geometry) : this.#passOverCompletions(layout, geometry, pass);
      const { scores, dHidden } = scoreTokensBackward({
        ...headOf(this),
        hidden: pickRows(hidden, layout.predictors),
        targets: layout.targets,
        temperature,
        gradient,
        needsAll,
      });
      let d = spreadRows(dHidden, layout.predictors, hidden.shape[0]!);
      hidden.dispose();
      const kinds = rowKinds({ layout, config });
      const dDeep: Tensor[] = [];
      const last = config.text.numLayers - 1;
      for (let index = last; index >= 0; index--) {
        if (index < (vision?.deep ?? 0)) dDeep.unshift(index === last ? unseen(kinds, d) : visionGradient(d, kinds));
        const next = scope(() => {
          const { x, saved } = layers[index]!();
          const at = index === last ? lastLayer(geometry) : geometry;
          const dx = layerBackward({ parameters, config: config.text, index, x, saved, dy: d, geometry: at });
          dispose(x, saved);
          return dx;
        });
        dispose(d);
        d = next;
      }
      embedBackward({ parameters, tokenIds: layout.tokenIds, kinds, vocabSize: config.text.vocabSize, dx: d });
      if (vision !== null) this.#tower.backward(vision.saved, { tokens: visionGradient(d, kinds), deep: dDeep });
      return scores;
    });
  }

  /** The forward over prompts and completions; layers that there is no room for are computed again when asked for. */
  #passOverAll(batch: Batch, geometry: Geometry): ForwardPass {
    const vision = this.#see(batch.visuals, this.#trainsVision);
    const layers: ForwardPass['layers'] = [];
    let room = this.#activationBytes;
    const hidden = this.#layers({
      ...this.#embed(batch.layout, vision.out),
      geometry,
      onLayer: (x, saved, again) => {
        room -= bytesOf(saved);
        if (room < 0) dispose(saved);
        layers.push(room < 0 ? () => ({ x, saved: again() }) : () => ({ x, saved }));
      },
    });
    return { hidden, vision: vision.kept, layers };
  }

  /** The same from a kept pass over the prompts. */
  #passOverCompletions(layout: Layout, geometry: Geometry, pass: PromptPass): ForwardPass {
    const { B, P } = layout;
    const layers: ForwardPass['layers'] = [];
    let { room } = pass;
    const hidden = this.#layers({
      x: scope(() => embedTokens(this.parameters, layout.tokenIds.slice(B * P))),
      geometry: completionRows(geometry),
      prompts: pass.layers.map(({ saved }) => saved.heads.prompt),
      onLayer: (x, saved, again) => {
        const prompt = pass.layers[layers.length]!;
        const isKept = room >= bytesOf(saved);
        if (isKept) room -= bytesOf(saved);
        else dispose({ ...saved, heads: saved.heads.completion });
        layers.push(() => {
          const own = isKept ? saved : again();
          const joined = { x: concat([prompt.x, x], 0), saved: joinRows(prompt.saved, own) };
          dispose(prompt.x, x, { ...prompt.saved, heads: null }, { ...own, heads: null });
          return joined;
        });
      },
    });
    return { hidden: concat([pass.hidden, hidden], 0), vision: pass.vision, layers };
  }

  /**
   * Encodes prompts once, for rollout.
   *
   * @param keepsPass also gives what the update needs of this pass, unless there is no room for it
   * @returns each layer's keys and values of the prompts and the logits after each prompt's last token
   * `[B, vocabulary]`; all of it is the caller's
   */
  encodePrompts({ batch, keepsPass }: { batch: Batch; keepsPass: boolean }): {
    cache: PromptCache[];
    logits: Tensor;
    pass: PromptPass | null;
  } {
    return scope(() => {
      const cache: PromptCache[] = [];
      const layers: PromptPass['layers'] = [];
      let room = keepsPass ? this.#activationBytes : 0;
      const vision = this.#see(batch.visuals, keepsPass && this.#trainsVision);
      room -= bytesOf(vision.kept);
      const hidden = this.#layers({
        ...this.#embed(batch.layout, vision.out),
        geometry: geometryOf({ layout: batch.layout, config: this.config.text }),
        onLayer: (x, saved) => {
          const { k, v } = saved.heads.prompt;
          // A handle of its own on the same memory: the cache and the pass end at different times.
          cache.push({ kt: transpose(k, [0, 2, 1]), v: reshape(v, v.shape) });
          layers.push({ x, saved });
          room -= bytesOf(saved);
          if (room < 0) dispose(layers.splice(0));
        },
      });
      const pass = room < 0 ? null : { layers, hidden, vision: vision.kept, room };
      return { cache, logits: this.logits(hidden), pass };
    });
  }

  /** `[M, hidden]` of the last layer → `[M, vocabulary]`. */
  logits(hidden: Tensor): Tensor {
    return logits({ ...headOf(this), hidden });
  }

  /** The vision tower's output for videos and pictures, one after the other. */
  see(visuals: TowerInput[]): VisionTokens {
    return scope(() => this.#see(visuals, false).out!);
  }

  get #trainsVision(): boolean {
    return this.parameters.trainableNames.some(isVision);
  }

  #see(visuals: TowerInput[], trains: boolean): { out: VisionTokens | null; kept: TowerKept } {
    if (visuals.length === 0) return { out: null, kept: null };
    if (trains) {
      const { out, saved } = this.#tower.forward(visuals, true);
      return { out, kept: { saved, deep: out.deep.length } };
    }
    const frozen = (some: TowerInput[]) => this.#tower.forward(some, false).out;
    const features = this.#features;
    if (features === null) return { out: frozen(visuals), kept: null };
    return { out: joinVisuals(visuals.map((visual) => features.get(visual.key, () => frozen([visual])))), kept: null };
  }

  /** Token rows with the vision tower's tokens in their places, `[N, hidden]`, and what comes to them later. */
  #embed(layout: Layout, vision: VisionTokens | null): LayersInput {
    const kinds = rowKinds({ layout, config: this.config });
    const own = { parameters: this.parameters, tokenIds: layout.tokenIds, kinds, vision: vision?.tokens ?? null };
    return { x: scope(() => embed(own)), kinds, deep: vision?.deep ?? [] };
  }

  /**
   * All layers, forward.
   *
   * @param prompts of an earlier pass, by layer, where the rows are completions alone
   * @param onLayer takes over a layer's input and what its backward needs, and a way to compute the latter again
   * @returns the last layer's output in the rows that `layout.predictors` counts
   */
  #layers(args: LayersInput & { geometry: Geometry; prompts?: Heads[]; onLayer: OnLayer }): Tensor {
    const { geometry, prompts, onLayer, kinds, deep = [] } = args;
    const { parameters, config } = this;
    let { x } = args;
    const last = config.text.numLayers - 1;
    for (let index = 0; index <= last; index++) {
      const at = index === last ? lastLayer(geometry) : geometry;
      const input = { parameters, config: config.text, index, x, geometry: at, prompt: prompts?.[index] };
      const { y, saved } = layerForward(input);
      onLayer(x, saved, () => layerForward(input).saved);
      // The rows of the last one are others, and none of them is the tower's.
      x = index === last ? y : addDeep({ x: y, more: deep[index], kinds });
    }
    return x;
  }
}

/** The gradient of what comes after the last layer, where nothing looks at it any more. */
const unseen = ({ vision }: RowKinds, { shape: [, width] }: Tensor): Tensor =>
  upload(new Float32Array(vision.length * width!), [vision.length, width!]);

/** What the first layer takes, and what is added to the vision rows after the first ones: none where rows are completions. */
interface LayersInput {
  x: Tensor;
  kinds?: RowKinds;
  deep?: readonly Tensor[];
}

type OnLayer = (x: Tensor, saved: LayerSaved, again: () => LayerSaved) => void;

/** A forward that a backward can follow. */
interface ForwardPass {
  /** The last layer's output, in the rows that `layout.predictors` counts. */
  hidden: Tensor;
  vision: TowerKept;
  /** Each gives a layer's input and what its backward needs, once; both are then the caller's. */
  layers: (() => { x: Tensor; saved: LayerSaved })[];
}
