import { describe, expect, it } from 'vitest';
import { parseYaml, placeIn } from '../../src/config/yaml-text.js';

const messages = (text: string) => parseYaml(text).mistakes.map(({ path, message }) => `${path}: ${message}`);

describe('parseYaml', () => {
  it('gives the value, and where each key and element stands', () => {
    const text = 'a: {b: 1}\nc:\n- x\n- {d: 2}\n';
    const { value, offsets, mistakes } = parseYaml(text);
    expect(value).toEqual({ a: { b: 1 }, c: ['x', { d: 2 }] });
    expect(mistakes).toEqual([]);
    const place = placeIn(text);
    expect([...offsets].map(([path, offset]) => `${path} ${place(offset)}`)).toEqual([
      'a 1:1',
      'a.b 1:5',
      'c 2:1',
      'c.0 3:3',
      'c.1 4:3',
      'c.1.d 4:4',
    ]);
  });

  it('refuses aliases of what they stand in', () => {
    expect(messages('name: x\nmodel: &m {path: m, lora: *m}')).toEqual([
      'model.lora: is an alias of what it stands in, so that it has no end',
    ]);
    expect(messages('rewards: &r [1, [*r]]')).toEqual([
      'rewards.1.0: is an alias of what it stands in, so that it has no end',
    ]);
    // The same thing twice is no circle.
    expect(parseYaml('a: &a {b: 1}\nc: [*a, *a]').value).toEqual({ a: { b: 1 }, c: [{ b: 1 }, { b: 1 }] });
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['brackets after as many that close nothing', `${']'.repeat(20_000)}\na: ${'['.repeat(20_000)}`],
    ['maps', '{a: '.repeat(30_000)],
    ['pairs in pairs', `a: [${'k: '.repeat(30_000)}]`],
    ['pairs in pairs, by brackets', `{${'k: k: ['.repeat(30_000)}`],
    ['lists in a line', '- '.repeat(50_000)],
    ['explicit keys', '? '.repeat(50_000)],
    ['indentation', Array.from({ length: 65 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['aliases', `a: &a ${'['.repeat(40)}${']'.repeat(40)}\nb: ${'['.repeat(40)}*a${']'.repeat(40)}`],
  ])('refuses what is nested without end: %s', (_, text) => {
    expect(messages(text)).toEqual([expect.stringMatching(/^\S*: is nested too deep \(more than 64 levels\)$/)]);
  });

  it('says where it got too deep', () => {
    const text = `a: \x1f\nb: "["\nc: |\n  - [\nd: ${'['.repeat(70)}`;
    const { offset } = parseYaml(text).mistakes[0]!;
    expect(placeIn(text)(offset)).toBe('5:68');
    // The list that is not closed counts as one level.
    const broken = `a: [\nb: ${'['.repeat(70)}`;
    expect(placeIn(broken)(parseYaml(broken).mistakes[0]!.offset)).toBe('2:67');
  });

  it('takes as many levels as a config may have', () => {
    expect(parseYaml(`a: ${'['.repeat(63)}${']'.repeat(63)}`).mistakes).toEqual([]);
    expect(parseYaml(Array.from({ length: 200 }, () => '- - - [[[x]]]').join('\n')).mistakes).toEqual([]);
    expect(parseYaml(`{${Array.from({ length: 100 }, (_, i) => `? k${i}: x`).join(', ')}}`).mistakes).toEqual([]);
    expect(parseYaml(`${'{a: '.repeat(63)}1${'}'.repeat(63)}`).mistakes).toEqual([]);
    expect(parseYaml(Array.from({ length: 100 }, (_, i) => `k${i}: {a: [b: 1], c: 2}`).join('\n')).mistakes).toEqual(
      [],
    );
  });

  it('refuses more aliases than it can follow', () => {
    const text = '- &a [*a]\n'.repeat(13_000);
    expect(messages(text)).toEqual([': there are too many aliases (more than 100)']);
  });

  it('finds each key that comes twice', () => {
    expect(parseYaml('a: 1\nb: {c: 1, c: 2}\na: 3\n1: x\n"1": y').mistakes).toEqual(
      [15, 21, 31].map((offset) => ({ path: '', offset, message: 'Map keys must be unique' })),
    );
    expect(messages('~: 1\n"": 2')).toEqual([': Map keys must be unique']);
    expect(parseYaml('[&a x, &b y, {*a : 1, *b : 2}]').value).toEqual(['x', 'y', { x: 1, y: 2 }]);
  });
});
