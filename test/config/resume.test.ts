import { describe, expect, it } from 'vitest';
import { fixedOptions, resumeChanges, storedOptions } from '../../src/config/resume.js';
import { type Config, configSchema } from '../../src/config/schema.js';

const source = { source: 'jsonl', annotations: 'a.jsonl', videos: 'v' };
const parse = (options: object = {}): Config =>
  configSchema.parse({ name: 'a', model: { path: 'm' }, data: { train: [source] }, ...options });

describe('fixedOptions', () => {
  it('are the same wherever a run lies and however often it saves', () => {
    const other = {
      name: 'b',
      output_dir: 'elsewhere',
      data: { train: [{ ...source, videos: 'w' }] },
      training: { save_steps: 1, save_total_limit: 1, save_best: false, logging_steps: 2, max_bad_steps: 9 },
      evaluation: { batch_size: 1 },
    };
    expect(fixedOptions(parse(other))).toEqual(fixedOptions(parse()));
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
    expect(resumeChanges(storedOptions(options), fixedOptions(parse())).refused).toEqual([
      { path: 'gone', before: 1, after: undefined },
    ]);
  });
});

describe('resumeChanges', () => {
  const changes = (before: object, after: object) => resumeChanges(parse(before), parse(after));

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
