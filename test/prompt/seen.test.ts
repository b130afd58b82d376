import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/model-folder/model-config.js';
import { openProcessor } from '../../src/policy/families/named.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { buildPrompt } from '../../src/prompt/build.js';
import { secondsPerGrid } from '../../src/prompt/seconds-per-grid.js';
import { loadTokenizer } from '../../src/prompt/tokenizer.js';
import { fixture } from '../policy/reference-models.js';
import { makeFrames } from './fixtures.js';

/** What scripts/fixtures/seen.py has transformers make of a prompt with several things to see. */
interface SeenCase {
  name: string;
  text: string;
  system: string | null;
  visuals: {
    kind: 'video' | 'image';
    frames: { seed: number; shape: [number, number, number] };
    times: number[];
    grid: [number, number, number];
  }[];
  input_ids: number[];
  positions: number[][];
  next_position: number;
  pixels: Partial<
    Record<'video' | 'image', { shape: [number, number]; index: number[]; values: number[]; sums: number[] }>
  >;
  second_per_grid_ts: number[];
}

const MODELS = {
  qwen2_vl: 'models/grouped-tied',
  qwen2_5_vl: 'families/qwen2_5_vl/narrow-windows',
  qwen3_vl: 'families/qwen3_vl/one-deep-tied',
};
type FamilyName = keyof typeof MODELS;

const readCases = (family: FamilyName): SeenCase[] =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../fixtures/seen/${family}/cases.json`, import.meta.url)), 'utf8'));

/** The family's processor, with a model of the sizes that published ones have where a prompt is concerned. */
async function processorOf(family: FamilyName) {
  const folder = fixture(`seen/${family}/processor`);
  const { idOf, largestId } = await loadTokenizer(folder);
  const config: ModelConfig = await readModelConfig(fixture(MODELS[family]));
  const patchSize = family === 'qwen3_vl' ? 16 : 14;
  return openProcessor({
    folder,
    config: {
      ...config,
      text: { ...config.text, vocabSize: largestId + 1 },
      vision: { ...config.vision, patchSize, spatialMergeSize: 2, temporalPatchSize: 2 },
      imageTokenId: idOf('<|image_pad|>'),
      videoTokenId: idOf('<|video_pad|>'),
      visionStartTokenId: idOf('<|vision_start|>'),
      visionEndTokenId: idOf('<|vision_end|>'),
    },
  });
}

describe.each(Object.keys(MODELS) as FamilyName[])(
  '%s: ids, positions and pixels are those of transformers',
  (family) => {
    it.each(readCases(family))('$name', async ({ text, system, visuals, pixels, ...expected }) => {
      const processor = await processorOf(family);
      const prompt = buildPrompt({
        processor,
        userText: text,
        systemPrompt: system ?? undefined,
        seen: visuals.map(({ kind, frames, times }) => ({ kind, frames: { ...makeFrames(frames), times } })),
      });
      expect([...prompt.tokenIds]).toEqual(expected.input_ids);
      expect([...prompt.positions]).toEqual(expected.positions.flat());
      expect(prompt.nextPosition).toBe(expected.next_position);
      expect(prompt.visuals.map(({ kind, grid }) => ({ kind, grid }))).toEqual(
        visuals.map(({ kind, grid }) => ({ kind, grid })),
      );
      for (const [kind, { shape, index, values, sums }] of Object.entries(pixels)) {
        const all = prompt.visuals.filter((one) => one.kind === kind).flatMap(({ patches }) => [...patches]);
        expect(all).toHaveLength(shape[0] * shape[1]);
        for (const [i, at] of index.entries()) expect(Math.abs(all[at]! - values[i]!)).toBeLessThan(1e-6);
        const size = Math.ceil(all.length / sums.length);
        if (all.length % sums.length === 0)
          for (const [i, sum] of sums.entries())
            expect(all.slice(i * size, (i + 1) * size).reduce((total, x) => total + x, 0)).toBeCloseTo(sum, 1);
      }
      const seconds = visuals.flatMap(({ kind, times }) =>
        kind === 'video' ? (secondsPerGrid({ times, temporalPatchSize: 2 }) ?? 1) : [],
      );
      expect(seconds).toEqual(expected.second_per_grid_ts);
    });
  },
);
