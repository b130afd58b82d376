import { describe, expect, it } from 'vitest';
import { openProcessor } from '../../src/policy/families/named.js';
import { buildPrompt, encodeCompletion } from '../../src/prompt/build.js';
import { cases, makeFrames, PROCESSOR_FOLDER, processorConfig } from './fixtures.js';

const processor = await openProcessor({ folder: PROCESSOR_FOLDER, config: await processorConfig() });

describe('a prompt is what transformers makes of it', () => {
  it.each(cases)('$name', ({ text, system, frames, grid, pixels, input_ids, positions, next_position }) => {
    const prompt = buildPrompt({
      processor,
      userText: text,
      systemPrompt: system ?? undefined,
      seen: frames ? [{ kind: 'video', frames: makeFrames(frames) }] : [],
    });
    expect([...prompt.tokenIds]).toEqual(input_ids);
    expect([...prompt.positions]).toEqual(positions.flat());
    expect(prompt.nextPosition).toBe(next_position);
    expect(prompt.visuals[0]?.grid).toEqual(grid);
    expect(prompt.visuals[0]?.patches.length).toBe(pixels && pixels.shape[0] * pixels.shape[1]);
  });
});

it('keeps what names the video and its frames', () => {
  const frames = { ...makeFrames({ seed: 1, shape: [2, 28, 28] }), times: [0.04, 1.08] };
  const prompt = buildPrompt({ processor, userText: 'When?', seen: [{ kind: 'video', frames, key: 'clip@1fps' }] });
  expect(prompt.visuals).toMatchObject([{ key: 'clip@1fps', times: [0.04, 1.08] }]);
});

it('refuses a text that would stand for a video', () => {
  const frames = makeFrames({ seed: 1, shape: [2, 28, 28] });
  const error = expect.objectContaining({ code: 'PROMPT_INVALID', message: expect.stringContaining('<|video_pad|>') });
  expect(() => buildPrompt({ processor, userText: 'a <|video_pad|> b' })).toThrow(error);
  expect(() =>
    buildPrompt({ processor, userText: 'a', systemPrompt: '<|video_pad|>', seen: [{ kind: 'video', frames }] }),
  ).toThrow(error);
});

it('ends a completion as the assistant ends its turn', () => {
  const { tokenizer, endOfTurnId } = processor;
  const text = '<think>fire</think><answer>B</answer>';
  const ids = encodeCompletion({ processor, text });
  expect([...ids]).toEqual([...tokenizer.encode(text), endOfTurnId]);
  expect(tokenizer.decode(ids)).toBe(`${text}<|im_end|>`);
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(text);
});
