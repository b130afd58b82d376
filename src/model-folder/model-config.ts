/** The decoder: one of Qwen2's kind with 3-D rotary positions (M-RoPE). */
export interface TextConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numLayers: number;
  numHeads: number;
  numKeyValueHeads: number;
  /** Width of a head. */
  headDim: number;
  /** Each head of queries and keys goes through an RMS norm before it is turned. */
  qkNorm: boolean;
  rmsNormEps: number;
  ropeTheta: number;
  /** Frequencies for time, height and width; they add up to `headDim / 2`. */
  mropeSection: [number, number, number];
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
