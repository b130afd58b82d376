/** The decoder: one of Qwen2's or Qwen3's kind with 3-D rotary positions (M-RoPE). */
export interface TextConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numLayers: number;
  numHeads: number;
  numKeyValueHeads: number;
  /** Width of a head. */
  headDim: number;
  /** The projections of queries, keys and values have biases. */
  attentionBias: boolean;
  /** Each head of queries and keys goes through an RMS norm before it is turned. */
  qkNorm: boolean;
  rmsNormEps: number;
  ropeTheta: number;
  /** The axis whose position turns each frequency: 0 time, 1 height, 2 width. `[headDim / 2]` */
  ropeAxes: readonly number[];
}

/** What others than the vision tower itself have to know of it. */
export interface VisionConfig {
  /** Pixels. */
  patchSize: number;
  /** Frames. */
  temporalPatchSize: number;
  /** This many patches, squared, become one token. */
  spatialMergeSize: number;
}

/** `config.json` of a model, whatever its family. A family's own type adds to it. */
export interface ModelConfig {
  modelType: string;
  text: TextConfig;
  vision: VisionConfig;
  /** The output layer is the token embedding. */
  tieWordEmbeddings: boolean;
  imageTokenId: number;
  videoTokenId: number;
  visionStartTokenId: number;
  visionEndTokenId: number;
}
