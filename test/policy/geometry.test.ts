import { beforeAll, expect, it } from 'vitest';
import type { TextConfig } from '../../src/model-folder/model-config.js';
import { completionRows, geometryOf, lastLayer } from '../../src/policy/geometry.js';
import { layOut } from '../../src/policy/layout.js';
import type { Prompt } from '../../src/prompt/prompt.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const config: TextConfig = {
  vocabSize: 10,
  hiddenSize: 16,
  intermediateSize: 8,
  numLayers: 1,
  numHeads: 4,
  numKeyValueHeads: 2,
  headDim: 4,
  qkNorm: false,
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  attentionBias: true,
  ropeAxes: [0, 1],
};

const prompt = (length: number): Prompt => ({
  tokenIds: new Int32Array(length),
  positions: new Int32Array(3 * length),
  nextPosition: length,
  visuals: [],
});

it('the query heads of a key-value head are rows of it, and rotary tables go by row', () => {
  scope(() => {
    const layout = layOut({ prompts: [prompt(2)], completions: [[new Int32Array(4)]] });
    const { KV, R, D, rotary, hasPromptRows } = geometryOf({ layout, config });
    expect([KV, R, D]).toEqual([2, 2, 4]);
    expect(rotary.cos.shape).toEqual([5, 4]);
    expect(hasPromptRows).toBe(true);
  });
});

it('the rows of completions alone have the tables of their own positions', () => {
  scope(() => {
    const layout = layOut({ prompts: [prompt(3), prompt(1)], completions: [1, 2].map(() => [new Int32Array(4)]) });
    const geometry = geometryOf({ layout, config });
    const own = completionRows(geometry);
    expect(own.hasPromptRows).toBe(false);
    expect(downloadFloats(own.rotary.sin)).toEqual(downloadFloats(geometry.rotary.sin).subarray(6 * 4));
    expect(downloadFloats(own.rotary.sin).some((x) => x !== 0)).toBe(true);
  });
});

it('in the last layer a prompt asks with its last token, which sees all that is not padding', () => {
  scope(() => {
    const layout = layOut({ prompts: [prompt(3), prompt(1)], completions: [1, 2].map(() => [new Int32Array(4)]) });
    const geometry = geometryOf({ layout, config });
    const { asking } = lastLayer(geometry);
    expect([...asking.rows!]).toEqual([2, 3, 6, 7, 8, 9, 10, 11]);
    expect(asking.promptTokens).toBe(1);
    expect(asking.blocks).toEqual([{ start: 0, end: 1, keys: 3, starts: [2, 0] }]);
    const all = downloadFloats(geometry.rotary.sin);
    const wanted = [...asking.rows!].flatMap((row) => [...all.subarray(row * 4, row * 4 + 4)]);
    expect([...downloadFloats(asking.rotary.sin)]).toEqual(wanted);
    const own = completionRows(geometry);
    expect(lastLayer(own)).toBe(own);
  });
});

it('long prompts are attended in blocks of queries, many completions in blocks of whole completions', () => {
  scope(() => {
    const { asking } = geometryOf({ layout: layOut({ prompts: [prompt(600)] }), config });
    expect(asking.blocks).toEqual([
      { start: 0, end: 256, keys: 256, starts: [0] },
      { start: 256, end: 512, keys: 512, starts: [256] },
      { start: 512, end: 600, keys: 600, starts: [512] },
    ]);
    const many = Array.from({ length: 50 }, () => new Int32Array(201));
    const { completionBlocks } = geometryOf({
      layout: layOut({ prompts: [prompt(600)], completions: [many] }),
      config,
    });
    expect(completionBlocks.length).toBeGreaterThan(1);
    expect(completionBlocks[0]!.start).toBe(0);
    expect(completionBlocks.at(-1)!.end).toBe(50);
    for (const [i, { end }] of completionBlocks.slice(0, -1).entries())
      expect(completionBlocks[i + 1]!.start).toBe(end);
  });
});
