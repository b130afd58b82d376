import { describe, expect, it } from 'vitest';
import { describeChange, fixedOptions, resumeChanges, storedOptions } from '../../src/config/resume.js';
import { type Config, configSchema } from '../../src/config/schema.js';

const source = { source: 'jsonl', annotations: 'a.jsonl', videos: 'v' };
const held = { output_dir: 'out', data: { train: [source], eval: [source] } };
const parse = (options: object = {}): Config =>
  configSchema.parse({ name: 'a', model: { path: 'm' }, data: { train: [source] }, ...options });

/** What may be another when a run is resumed. */
const FREE: [path: string, other: object][] = [
  ['name', { name: 'b' }],
  ['output_dir', { output_dir: 'elsewhere' }],
  ['data.train.0.videos', { data: { train: [{ ...source, videos: 'w' }], eval: [source] } }],
  ['data.eval.0.videos', { data: { train: [source], eval: [{ ...source, videos: 'w' }] } }],
  ['training.save_steps', { training: { save_steps: 1 } }],
  ['training.save_total_limit', { training: { save_total_limit: 1 } }],
  ['training.save_best', { training: { save_best: false } }],
  ['training.eval_steps', { training: { eval_steps: 1 } }],
  ['training.logging_steps', { training: { logging_steps: 2 } }],
  ['training.max_bad_steps', { training: { max_bad_steps: 9 } }],
  ['evaluation.batch_size', { evaluation: { batch_size: 1 } }],
  ['evaluation.max_samples', { evaluation: { max_samples: 1 } }],
];

describe('fixedOptions', () => {
  it.each(FREE)('are the same whatever %s is', (_, other) => {
    expect(fixedOptions(parse({ ...held, ...other }))).toEqual(fixedOptions(parse(held)));
  });

  it('are others with another seed', () => {
    expect(fixedOptions(parse({ seed: 1 }))).not.toEqual(fixedOptions(parse()));
  });

  it('hold no secret', () => {
    const options = parse({ data: { train: [source], system_prompt: 'password=hunter222' } });
    expect(JSON.stringify(fixedOptions(options))).not.toContain('hunter222');
  });

  it('come back from JSON as they were', () => {
    const options = fixedOptions(parse({ model: { path: 'm', lora: { r: 2 } } }));
    expect(storedOptions(JSON.parse(JSON.stringify(options)))).toEqual(options);
  });
});

describe('storedOptions', () => {
  it('have the defaults of options that are newer than the checkpoint', () => {
    const { grpo: _, ...older } = fixedOptions(parse());
    expect(resumeChanges(storedOptions(older), fixedOptions(parse()))).toEqual({ taken: [], refused: [] });
    const { refused } = resumeChanges(storedOptions(older), fixedOptions(parse({ grpo: { beta: 0 } })));
    expect(refused).toEqual([{ path: 'grpo.beta', before: 0.04, after: 0 }]);
  });

  it('are compared as they are where this version does not know them', () => {
    const options = { ...fixedOptions(parse()), gone: 1 };
    const { refused } = resumeChanges(storedOptions(options), fixedOptions(parse()));
    expect(refused.map(describeChange)).toEqual(['gone: 1 → left out']);
    for (const data of [undefined, {}, { train: 1 }, { train: [1], eval: {} }])
      expect(storedOptions({ data })).toEqual({ data });
  });
});

describe('resumeChanges', () => {
  const changes = (before: object, after: object) => resumeChanges(parse(before), parse(after));

  it.each(FREE)('takes another %s', (path, other) => {
    const { taken, refused } = changes(held, { ...held, ...other });
    expect([taken.map((change) => change.path), refused]).toEqual([[path], []]);
  });

  it('takes more steps, and refuses fewer', () => {
    const more = { path: 'training.max_steps', before: 1000, after: 1001 };
    expect(changes({}, { training: { max_steps: 1001 } })).toEqual({ taken: [more], refused: [] });
    expect(changes({ training: { max_steps: 1001 } }, {}).refused).toHaveLength(1);
  });

  it('does not take other held-out data or annotations for the same', () => {
    const { taken, refused } = changes({}, { data: { train: [{ ...source, annotations: 'b' }], eval: [source] } });
    expect(taken).toEqual([]);
    expect(refused.map(({ path }) => path)).toEqual(['data.train.0.annotations', 'data.eval']);
  });
});
