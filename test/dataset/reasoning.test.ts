import { expect, test } from 'vitest';
import { parseReasoning, plainReasoning } from '../../src/dataset/reasoning.js';

test('headings', () => {
  const text = '### Specific Anomaly Type: Fire  ### Location The yard, 12:30. ### Key Evidence - **Smoke**: black';
  expect(parseReasoning(text).form).toBe('headings');
  expect(plainReasoning(text)).toBe(
    'Specific Anomaly Type: Fire\nLocation: The yard, 12:30.\nKey Evidence: - Smoke: black',
  );
});

test('a list under a heading', () => {
  expect(plainReasoning(`### Key Evidence: ['smoke', "a dog's bark"] ### Conclusion: ['Fire`)).toBe(
    "Key Evidence: smoke; a dog's bark\nConclusion: ['Fire",
  );
});

test('a Python dict, with both quotes, escapes and a list', () => {
  const text = `{'Location': "the dog's yard", 'Key Evidence': ['a "stick"', 'it\\'s'], 'Conclusion': ''}`;
  expect(parseReasoning(text)).toEqual({
    form: 'dict',
    parts: [
      { heading: 'Location', text: "the dog's yard" },
      { heading: 'Key Evidence', text: ['a "stick"', "it's"] },
      { heading: 'Conclusion', text: '' },
    ],
  });
  expect(plainReasoning(text)).toContain('Key Evidence: a "stick"; it\'s');
});

test.each(['{', '{}', "{'a': 1}", "{'a' 'b'}", "{'a': ['b'}", "{'a': 'b'} more", 'thief  steals'])(
  '%j stays a text',
  (text) => {
    expect(parseReasoning(text).form).toBe('text');
    expect(plainReasoning(text)).toBe(text.replace('  ', ' '));
  },
);
