import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openSafetensors, toFloat32 } from '../../src/model-folder/safetensors.js';
import type { Prompt } from '../../src/prompt/prompt.js';
import type { Visual } from '../../src/prompt/visual.js';

/** Of the random models that scripts/fixtures/models.py and families.py make with Hugging Face transformers. */
export const REFERENCE_MODELS = [
  ...['grouped-tied', 'multi-query-bf16', 'long-video-f16', 'flat-sharded'].map((name) => `models/${name}`),
  ...['narrow-windows', 'odd-heads-bf16', 'slow-time-f16', 'many-untied'].map((name) => `families/qwen2_5_vl/${name}`),
  ...['one-deep-tied', 'wide-heads-bf16', 'deep-to-the-last-f16', 'many-untied'].map(
    (name) => `families/qwen3_vl/${name}`,
  ),
];

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** A prompt as the fixtures write it down. */
export interface RecordedPrompt {
  input_ids: number[];
  position_ids: number[][];
  next_position: number;
  visuals: RecordedVisual[];
}

/** A video or a picture; of a video also the seconds from slice to slice. */
export interface RecordedVisual {
  kind: 'video' | 'image';
  grid: [number, number, number];
  patches: { seed: number; shape: [number, number] };
  second_per_grid_ts?: number;
}

export interface ModelCase extends RecordedPrompt {
  completion_ids: number[];
  logprobs: Record<string, number[]>;
  greedy_ids: number[];
}

export async function readJsonFixture<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(fixture(name), 'utf8')) as T;
}

export async function readTensorFixture(name: string): Promise<Map<string, { shape: number[]; data: Float32Array }>> {
  const file = await openSafetensors(fixture(name));
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [tensor, { shape }] of file.entries)
    tensors.set(tensor, { shape: [...shape], data: toFloat32(await file.readTensor(tensor)) });
  await file.close();
  return tensors;
}

/** The patches that the Python side computes by the same formula. */
export function recordedPatches({ seed, shape }: { seed: number; shape: [number, number] }): Float32Array {
  return Float32Array.from(
    { length: shape[0] * shape[1] },
    (_, i) => (((i * 1103515245 + 12345 + seed) % 2 ** 31) / 2 ** 31) * 4 - 2,
  );
}

export const toPrompt = (recorded: RecordedPrompt): Prompt => ({
  tokenIds: Int32Array.from(recorded.input_ids),
  positions: Int32Array.from(recorded.position_ids.flat()),
  nextPosition: recorded.next_position,
  visuals: recorded.visuals.map(toVisual),
});

/** Its frames stand so that two of them, which a slice has, are its seconds apart from the next two. */
const toVisual = ({ kind, grid, patches, second_per_grid_ts: seconds = 1 }: RecordedVisual): Visual => ({
  kind,
  grid,
  patches: recordedPatches(patches),
  times: kind === 'image' ? [] : Array.from({ length: 2 * grid[0] }, (_, frame) => (frame * seconds) / 2),
});

/** The same with a name for what is seen, under which a frozen tower's output is kept. */
export const withKey = (prompt: Prompt, key: string): Prompt => ({
  ...prompt,
  visuals: prompt.visuals.map((visual, i) => ({ ...visual, key: `${key} ${i}` })),
});

/** ‖a − b‖ / ‖b‖ */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

export function standardDeviation(values: ArrayLike<number>): number {
  const list = Array.from(values);
  const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
  return Math.sqrt(list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length);
}
