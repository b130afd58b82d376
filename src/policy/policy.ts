import { concat, gather, indices, segmentSum } from '../tensor/ops.js';
import { bytesOf, dispose, scope, type Tensor } from '../tensor/tensor.js';
import type { KeyValue } from './attention.js';
import { type LayerSaved, layerBackward, layerForward } from './decoder-layer.js';
import { embed, embedBackward, type RowKinds, rowKinds, videoGradient } from './embedding.js';
import type { ModelConfig } from './files/model-config.js';
import { type Geometry, geometryOf } from './geometry.js';
import { type LogprobGradient, logits, scoreTokens, scoreTokensBackward, type TokenScores } from './head.js';
import type { Layout } from './layout.js';
import type { Parameters } from './parameters.js';
import type { FeatureCache } from './vision/feature-cache.js';
import { type TowerSaved, towerBackward, towerForward, type Video } from './vision/tower.js';

/** A video with the name under which a frozen tower's output may be kept. */
export interface NamedVideo extends Video {
  key?: string;
}

/** Prompts and completions as the policy takes them. */
export interface Batch {
  layout: Layout;
  /** In the order of the prompts. */
  videos: NamedVideo[];
}

/** What a forward pass over a `Layout` gives. */
interface Decoded {
  geometry: Geometry;
  kinds: RowKinds;
  /** `[N, hidden]`, the last layer's output. */
  hidden: Tensor;
}

/**
 * A Qwen2-VL policy: weights and the computations on them. Tensors inside are by token row, `[N, hidden]`; prompts
 * stand in a batch once, however many completions they have (see `layout.ts`).
 */
export class Policy {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  readonly #features: FeatureCache | null;
  readonly #activationBytes: number;

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
  }

  /** log π(token) and entropy of every completion token of the batch, at a temperature. `[M]` */
  score({ batch, temperature }: { batch: Batch; temperature: number }): TokenScores {
    return scope(() => {
      const vision = this.#see(batch.videos, false);
      const { hidden } = this.#decode({ batch, vision: vision.tokens });
      return scoreTokens({
        ...this.#head(),
        hidden: gather(hidden, indices(batch.layout.predictors)),
        targets: batch.layout.targets,
        temperature,
      });
    });
  }

  /** As `score`; then goes back and adds ∂loss/∂weight of every trainable weight to `parameters.gradients`. */
  scoreBackward({
    batch,
    temperature,
    gradient,
  }: {
    batch: Batch;
    temperature: number;
    gradient: LogprobGradient;
  }): TokenScores {
    const { parameters, config } = this;
    const { layout } = batch;
    return scope(() => {
      const trainsVision = parameters.isTrainable('visual.patch_embed.proj.weight');
      const vision = this.#see(batch.videos, trainsVision);
      const inputs: Tensor[] = [];
      const kept: (LayerSaved | null)[] = [];
      let room = this.#activationBytes;
      const { hidden, geometry, kinds } = this.#decode({
        batch,
        vision: vision.tokens,
        onLayer: (x, saved) => {
          inputs.push(x);
          room -= bytesOf(saved);
          if (room < 0) dispose(saved);
          kept.push(room < 0 ? null : saved);
        },
      });
      const { scores, dHidden } = scoreTokensBackward({
        ...this.#head(),
        hidden: gather(hidden, indices(layout.predictors)),
        targets: layout.targets,
        temperature,
        gradient,
      });
      hidden.dispose();

      let d = spreadRows({ d: dHidden, rows: layout.predictors, count: layout.tokenIds.length });
      for (let index = config.text.numLayers - 1; index >= 0; index--) {
        const x = inputs[index]!;
        const next = scope(() => {
          const saved = kept[index] ?? layerForward({ parameters, config: config.text, index, x, geometry }).saved;
          return layerBackward({ parameters, config: config.text, index, saved, dy: d, geometry });
        });
        dispose(d, x, kept[index]);
        d = next;
      }
      embedBackward({ parameters, tokenIds: layout.tokenIds, kinds, vocabSize: config.text.vocabSize, dx: d });
      if (vision.saved !== null)
        towerBackward({ parameters, config: config.vision, saved: vision.saved, dy: videoGradient(d, kinds) });
      return scores;
    });
  }

  /**
   * Encodes prompts once, for rollout.
   *
   * @returns each layer's keys and values of the prompts (`[B · KV, P, D]`, owned by the caller) and the logits after
   * each prompt's last token `[B, vocabulary]`
   */
  encodePrompts(batch: Batch): { cache: KeyValue[]; logits: Tensor } {
    return scope(() => {
      const cache: KeyValue[] = [];
      const vision = this.#see(batch.videos, false);
      const { hidden } = this.#decode({ batch, vision: vision.tokens, onPrompt: (keyValue) => cache.push(keyValue) });
      const { P, promptLengths } = batch.layout;
      const last = promptLengths.map((length, b) => b * P + length - 1);
      return { cache, logits: this.logits(gather(hidden, indices(last))) };
    });
  }

  /** `[M, hidden]` of the last layer → `[M, vocabulary]`. */
  logits(hidden: Tensor): Tensor {
    return logits({ ...this.#head(), hidden });
  }

  /** The vision tower's output for each video, one after the other. `[tokens, hidden]` */
  see(videos: NamedVideo[]): Tensor {
    return scope(() => this.#see(videos, false).tokens!);
  }

  #head() {
    return { parameters: this.parameters, config: this.config.text, tied: this.config.tieWordEmbeddings };
  }

  #see(videos: NamedVideo[], trains: boolean): { tokens: Tensor | null; saved: TowerSaved | null } {
    if (videos.length === 0) return { tokens: null, saved: null };
    const { parameters, config } = this;
    const tower = { parameters, config: config.vision };
    if (trains) {
      const { y, saved } = towerForward({ ...tower, videos, keepSaved: true });
      return { tokens: y, saved };
    }
    if (this.#features === null) return { tokens: towerForward({ ...tower, videos, keepSaved: false }).y, saved: null };
    const features = this.#features;
    const parts = videos.map((video) =>
      features.get(video.key, () => towerForward({ ...tower, videos: [video], keepSaved: false }).y),
    );
    return { tokens: concat(parts, 0), saved: null };
  }

  #decode(args: {
    batch: Batch;
    vision: Tensor | null;
    onLayer?: (x: Tensor, saved: LayerSaved) => void;
    onPrompt?: (keyValue: KeyValue) => void;
  }): Decoded {
    const { batch, vision, onLayer, onPrompt } = args;
    const { parameters, config } = this;
    const { layout } = batch;
    const geometry = geometryOf({ layout, config: config.text });
    const kinds = rowKinds({ layout, videoTokenId: config.videoTokenId });
    let x = scope(() => embed({ parameters, tokenIds: layout.tokenIds, kinds, vision }));
    for (let index = 0; index < config.text.numLayers; index++) {
      const { y, saved, prompt } = layerForward({ parameters, config: config.text, index, x, geometry });
      if (onPrompt === undefined) dispose(prompt);
      else onPrompt(prompt);
      if (onLayer === undefined) dispose(x, saved);
      else onLayer(x, saved);
      x = y;
    }
    return { geometry, kinds, hidden: x };
  }
}

/** Rows `d` `[M, width]` added into their places in `[count, width]`; several may share a place. */
function spreadRows({ d, rows: places, count }: { d: Tensor; rows: Int32Array; count: number }): Tensor {
  return segmentSum(d, indices(places), count);
}
