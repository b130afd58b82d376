import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelConfig } from '../../src/model-folder/model-config.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { loadTokenizer } from '../../src/prompt/tokenizer.js';

const folder = new URL('../fixtures/prompts/', import.meta.url);
/** Saved by transformers' `save_pretrained`. */
export const PROCESSOR_FOLDER = fileURLToPath(new URL('processor', folder));

/** What a model must be for this processor. */
export async function processorConfig(): Promise<ModelConfig> {
  const file = new URL('../models/grouped-tied', folder);
  const config = await readModelConfig(fileURLToPath(file));
  const { largestId, idOf } = await loadTokenizer(PROCESSOR_FOLDER);
  return {
    ...config,
    text: { ...config.text, vocabSize: largestId + 1 },
    imageTokenId: idOf('<|image_pad|>'),
    videoTokenId: idOf('<|video_pad|>'),
    visionStartTokenId: idOf('<|vision_start|>'),
    visionEndTokenId: idOf('<|vision_end|>'),
  };
}

/** One question as transformers processes it; made by scripts/fixtures/prompts.py. */
export interface Case {
  name: string;
  text: string;
  system: string | null;
  rendered: string;
  frames?: { seed: number; shape: [number, number, number] };
  grid?: [number, number, number];
  pixels?: { shape: [number, number]; index: number[]; values: number[]; sums: number[] };
  input_ids: number[];
  positions: number[][];
  next_position: number;
}

export interface Texts {
  encoded: { text: string; ids: number[] }[];
  decoded: { ids: number[]; text: string; without_special: string }[];
}

const readJson = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
export const cases = readJson<Case[]>('cases.json');
export const texts = readJson<Texts>('texts.json');

/** The generator of scripts/fixtures/prompts.py: the upper byte of x ← 1664525·x + 1013904223 (mod 2³²). */
export function makeFrames({ seed, shape }: NonNullable<Case['frames']>) {
  const [count, height, width] = shape;
  let x = seed;
  const data = Uint8Array.from({ length: count * height * width * 3 }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x >>> 24;
  });
  const times = Array.from({ length: count }, (_, second) => second);
  return { data, count, height, width, times, duration: count, incomplete: false, warnings: [] };
}
