import { beforeAll, expect, it } from 'vitest';
import type { TextConfig } from '../../src/policy/files/model-config.js';
import { geometryOf, MASKED } from '../../src/policy/geometry.js';
import { layOut } from '../../src/policy/layout.js';
import type { Prompt } from '../../src/prompt/prompt.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope, type Tensor } from '../../src/tensor/tensor.js';

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
  hiddenAct: 'silu',
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  mropeSection: [1, 1, 0],
  maxPositionEmbeddings: 1000,
};

const prompt = (length: number): Prompt => ({
  tokenIds: new Int32Array(length),
  positions: new Int32Array(3 * length),
  nextPosition: length,
});

/** Rows of a mask as text: `.` visible, `x` masked. */
const drawn = (mask: Tensor): string[] => {
  const width = mask.shape.at(-1)!;
  const marks = Array.from(downloadFloats(mask), (x) => ({ 0: '.', [Math.fround(MASKED)]: 'x' })[x] ?? '?');
  return Array.from({ length: marks.length / width }, (_, i) => marks.slice(i * width, (i + 1) * width).join(''));
};

it('a completion sees itself causally, once for each query head of a key-value head', () => {
  scope(() => {
    const layout = layOut({ prompts: [prompt(2)], completions: [[new Int32Array(4)]] });
    const { causal, padding, KV, R, D } = geometryOf({ layout, config });
    expect([KV, R, D]).toEqual([2, 2, 4]);
    expect(drawn(causal!)).toEqual(['.xx', '.xx', '..x', '..x', '...', '...']);
    expect(padding).toBeUndefined();
  });
});

it('the padding of shorter prompts is hidden, for each key-value head', () => {
  scope(() => {
    const { padding, causal } = geometryOf({ layout: layOut({ prompts: [prompt(3), prompt(1)] }), config });
    expect(padding!.shape).toEqual([4, 1, 3]);
    expect(drawn(padding!)).toEqual(['...', '...', '.xx', '.xx']);
    expect(causal).toBeUndefined();
  });
});

it('long prompts are attended in blocks of queries, each causal in itself', () => {
  scope(() => {
    const { blocks } = geometryOf({ layout: layOut({ prompts: [prompt(600)] }), config });
    expect(blocks.map(({ start, end }) => [start, end])).toEqual([
      [0, 256],
      [256, 512],
      [512, 600],
    ]);
    for (const { start, end, mask } of blocks)
      for (const [row, line] of drawn(mask).entries()) {
        const visible = Math.floor(row / 2) + 1;
        if (line !== '.'.repeat(visible) + 'x'.repeat(end - start - visible))
          expect.unreachable(`row ${row} of ${start}: ${line}`);
      }
  });
});
