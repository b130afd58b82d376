import { describe, expect, it } from 'vitest';
import { boundedTemplate } from '../../src/prompt/bounded-template.js';

it('has the constants, the range and the refusals of transformers', () => {
  const source =
    '{{ true }} {{ True }} {{ false }} {{ None is none }} {{ range(3) }} {{ range(1, 6, 2) }} {{ range(2, 0, -1) }} {{ range(3, 0) }}';
  expect(boundedTemplate(source)({})).toBe('true true false true [0, 1, 2] [1, 3, 5] [2, 1] []');
  expect(() => boundedTemplate("{{ raise_exception('no ' + x) }}")({ x: 'videos' })).toThrow('no videos');
  expect(() => boundedTemplate("{{ strftime_now('%d') }}")({})).toThrow('no run could be repeated');
});

it('trims lines of blocks as transformers does', () => {
  expect(boundedTemplate('  {% if true %}\na\n  {% endif %}\nb')({})).toBe('a\nb');
});

describe('refuses what would use up the memory:', () => {
  const doubled = (start: string) =>
    `{% set ns = namespace(x=${start}) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}`;
  it.each([
    ['a list of any length', '{% for i in range(1000000000) %}{% endfor %}', /range\(\) of 1000000000 numbers/],
    ['a list without end', '{{ range(0, 1, 0) }}', /range\(\) of Infinity numbers/],
    ['a list of no number', "{{ range('x') }}", /range\(\) of NaN numbers/],
    ['a list that grows', doubled('[1, 2, 3]'), /length 1572864, past 1048576/],
    ['a text that grows', doubled("'ab'"), /length 2097152, past 1048576/],
    ['a text of blanks', "{{ 'a\nb' | indent(9000000) }}", /length 9000003, past 1048576/],
  ])('%s', (_, source, message) => {
    expect(() => boundedTemplate(source)({})).toThrow(message);
  });

  it('a template of a megabyte', () => {
    expect(() => boundedTemplate('x'.repeat(2 ** 20 + 1))).toThrow(/length 1048577, past 1048576/);
  });
});
