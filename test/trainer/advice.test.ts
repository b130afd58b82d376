import { describe, expect, it, test } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { packageFile } from '../../src/system/package-file.js';
import { advise, type RunSoFar } from '../../src/trainer/advice.js';
import { isGarbled } from '../../src/trainer/garbled.js';
import type { Metrics } from '../../src/trainer/metrics.js';

const config = await loadConfig({ file: packageFile('configs/tag-qwen2-vl-2b.yaml') });
const STEPS = 100;

/** A run that learns, slowly, and is well. @param change of a step's line, by its part of the run, 0 to 1 */
function run(change: (part: number, step: number) => Metrics = () => ({}), more: Partial<RunSoFar> = {}): RunSoFar {
  const metrics = Array.from({ length: STEPS }, (_, i): Metrics => {
    const part = i / (STEPS - 1);
    return {
      step: i + 1,
      reward: 1 + part,
      'groups/zero_variance': 0.3,
      ...Object.fromEntries(
        ['format', 'accuracy', 'temporal_iou'].flatMap((name) => [
          [`rewards/${name}/mean`, 0.4 + 0.2 * part],
          [`rewards/${name}/std`, 0.3],
        ]),
      ),
      kl: 0.01 + 0.05 * part,
      entropy: 0.8 - 0.4 * part,
      'completions/mean_length': 100,
      'completions/truncated': 0.01,
      'completions/garbled': 0,
      'time/step_s': 10,
      'time/video_s': 1,
      'memory/peak_rss_bytes': 8e9,
      ...change(part, i + 1),
    };
  });
  return { config, metrics, evaluations: [], ...more };
}

const ids = (so: RunSoFar) => advise(so).map(({ id }) => id);
const evaluations = (values: Record<string, number[]>) =>
  Array.from({ length: 4 }, (_, i) => ({
    step: 25 * (i + 1),
    ...Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all[i]!])),
  }));

describe('advice', () => {
  it('has nothing to say of a run that is well, nor of one that has just begun', () => {
    expect(advise(run())).toEqual([]);
    const begun = run((_, step) => ({ kl: step > 10 ? 50 : 0 }));
    expect(advise({ ...begun, metrics: begun.metrics.slice(0, 30) })).toEqual([]);
  });

  it.each<[string, RunSoFar, RegExp]>([
    [
      'kl-jump',
      run((_, step) => ({ kl: step === 60 ? 2.7 : 0.03 })),
      /from 0\.0\d+ to 2\.7 nats a token in step 60; it is 0\.03 now/,
    ],
    ['kl', run((part) => ({ kl: 5 * part })), /4\.\d+ nats a token/],
    [
      'held-out',
      run(undefined, { evaluations: evaluations({ reward: [1, 1.5, 1.3, 1.2] }) }),
      /from 1\.5 \(step 50\) to 1\.2/,
    ],
    ['garbled', run((part) => ({ 'completions/garbled': part > 0.7 ? 0.4 : 0 })), /^40 %/],
    [
      'truncation',
      run((part) => ({ 'completions/truncated': part > 0.7 ? 0.5 : 0 })),
      /^50 % .* cut off at 512 tokens/,
    ],
    ['length-collapse', run((part) => ({ 'completions/mean_length': 100 - 80 * part })), /from 92\.3 to 27\.7 tokens/],
    ['length-growth', run((part) => ({ 'completions/mean_length': 100 + 400 * part })), /from 138 to 462 tokens/],
    ['entropy', run((part) => ({ entropy: part < 0.5 ? 0.8 : 0.01, 'groups/zero_variance': 0.6 })), /fell from/],
    ['dead-groups', run((part) => ({ 'groups/zero_variance': 0.5 + 0.5 * part })), /^in 9\d % of the groups/],
    ['idle-format', run(() => ({ 'rewards/format/std': 0, 'rewards/format/mean': 0 })), /format has been 0 for every/],
    ['dominant-accuracy', run(() => ({ 'rewards/accuracy/std': 30 })), /accuracy makes 98 %/],
    [
      'false-alarms',
      run(undefined, { evaluations: evaluations({ 'tag/false_alarm_rate': [0.1, 0.2, 0.3, 0.4] }) }),
      /from 10 % to 40 %/,
    ],
    [
      'other-sampler',
      run(() => ({ 'sampling/sampling_logp_difference/mean': 0.4 })),
      /log-probs are 0\.4 nats a token from the policy's own/,
    ],
  ])('sees %s', (id, so, finding) => {
    const advice = advise(so);
    expect(advice.map((one) => one.id)).toEqual([id]);
    expect(advice[0]).toMatchObject({ kind: 'health', finding: expect.stringMatching(finding) });
    for (const text of [advice[0]!.cause, advice[0]!.remedy]) expect(text).not.toBe('');
  });

  it('names what is as it should be as a note: all is right', () => {
    const right = run(() => ({
      'groups/zero_variance': 0.95,
      'rewards/accuracy/mean': 0.99,
      'rewards/format/std': 0,
      'rewards/format/mean': 1,
    }));
    expect(advise(right)).toMatchObject([
      { id: 'dead-groups', kind: 'note' },
      { id: 'idle-format', kind: 'note' },
    ]);
  });

  it('speaks of speed where health allows it', () => {
    const slow = { 'time/video_s': 7 };
    expect(ids(run(() => slow))).toEqual(['slow-videos']);
    expect(ids(run((part) => ({ ...slow, kl: 5 * part })))).toEqual(['kl']);
    const cut = { ...config, training: { ...config.training, gradient_accumulation_steps: 4 } };
    expect(ids(run(undefined, { config: cut, memory: 100e9 }))).toEqual(['room']);
    expect(ids(run(undefined, { config: cut, memory: 10e9 }))).toEqual([]);
  });
});

test('garbled is what no character is, and one phrase over and over', () => {
  expect(isGarbled('<think>A car hits a man, and the man falls.</think><answer>Anomaly</answer>')).toBe(false);
  expect(isGarbled('a car \ufffd\ufffd hits')).toBe(true);
  expect(isGarbled('the man walks and '.repeat(9))).toBe(true);
  expect(isGarbled('the man walks and '.repeat(3))).toBe(false);
  expect(isGarbled('')).toBe(false);
});
