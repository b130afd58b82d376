import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { qwen2VL } from '../../src/policy/families/qwen2_vl/family.js';
import { type ChatMessage, loadChatTemplate } from '../../src/prompt/chat-template.js';
import { cases, PROCESSOR_FOLDER } from './fixtures.js';

const load = (folder: string) => loadChatTemplate({ folder, fallback: qwen2VL.prompt.chatTemplate });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'template-'));
});
afterEach(() => rm(folder, { recursive: true }));
const write = (name: string, content: unknown) =>
  writeFile(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

const messagesOf = ({ text, system, frames }: (typeof cases)[number]): ChatMessage[] => {
  const parts = [...(frames ? [{ type: 'video' as const }] : []), { type: 'text' as const, text }];
  return [...(system === null ? [] : [{ role: 'system' as const, content: system }]), { role: 'user', content: parts }];
};
const question: ChatMessage[] = [{ role: 'user', content: 'Why?' }];
const forAnswer = { addGenerationPrompt: true };

describe.each([
  ['of the folder', () => PROCESSOR_FOLDER],
  ['built in', () => folder],
])('the template %s', (_, where) => {
  it.each(cases)('renders as transformers: $name', async (example) => {
    const template = await load(where());
    expect(template.render(messagesOf(example), forAnswer)).toBe(example.rendered);
  });
});

it('renders a whole conversation with two videos', async () => {
  const template = await load(folder);
  const conversation: ChatMessage[] = [
    { role: 'user', content: [{ type: 'video' }, { type: 'video' }, { type: 'text', text: 'Which?' }] },
    { role: 'assistant', content: 'Both.' },
  ];
  const video = '<|vision_start|><|video_pad|><|vision_end|>';
  expect(template.render(conversation, { addGenerationPrompt: false })).toBe(
    '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' +
      `<|im_start|>user\n${video}${video}Which?<|im_end|>\n<|im_start|>assistant\nBoth.<|im_end|>\n`,
  );
});

it('prefers chat_template.jinja, then chat_template.json, then tokenizer_config.json', async () => {
  const render = async () => (await load(folder)).render(question, forAnswer);
  await write('tokenizer_config.json', {
    chat_template: [
      { name: 'tools', template: 'x' },
      { name: 'default', template: 'T' },
    ],
  });
  expect(await render()).toBe('T');
  await write('chat_template.json', { chat_template: 'J {{ messages[0].content }}' });
  expect(await render()).toBe('J Why?');
  await write('chat_template.jinja', '{% for m in messages %}\n{{ m.role }}\n{% endfor %}');
  expect(await render()).toBe('user\n');
});

it.each([
  ['does not parse', '{% for m in messages %}'],
  ['raises', "{{ raise_exception('no system prompt, please') }}"],
])('names the file of a template that %s', async (_, source) => {
  await write('chat_template.jinja', source);
  const render = async () => (await load(folder)).render(question, forAnswer);
  await expect(render()).rejects.toMatchObject({
    name: 'ModelError',
    code: 'CHAT_TEMPLATE_INVALID',
    message: expect.stringContaining('chat_template.jinja'),
  });
});

it('loads a template that refuses videos, since not all samples have one', async () => {
  await write(
    'chat_template.jinja',
    "{{ messages[0].content if messages[0].content is string else raise_exception('') }}",
  );
  expect((await load(folder)).render(question, forAnswer)).toBe('Why?');
});

it.each([
  ['of another type', 1],
  ['of a thousand names', Array(1001).fill({ name: 'a', template: '' })],
])('refuses templates %s', async (_, templates) => {
  await write('chat_template.json', { chat_template: templates });
  await expect(load(folder)).rejects.toMatchObject({
    code: 'MODEL_FILE_INVALID',
    message: expect.stringMatching(/chat_template\.json does not fit:\s+chat_template: /),
  });
});

it.each([null, undefined, '', [], [{ name: 'tools', template: 'x' }]])('passes over the template %j', async (none) => {
  await write('chat_template.json', { chat_template: none });
  await write('tokenizer_config.json', { chat_template: 'T' });
  expect((await load(folder)).render(question, forAnswer)).toBe('T');
});

it('stops a template that does not end, when it is loaded', async () => {
  const loop = (name: string, body: string) => `{% for ${name} in range(1000000) %}${body}{% endfor %}`;
  await write('chat_template.jinja', loop('i', loop('j', '')));
  await expect(load(folder)).rejects.toMatchObject({
    code: 'CHAT_TEMPLATE_INVALID',
    message: expect.stringMatching(/chat_template\.jinja: the chat template fails \(it did not end within 5 s\)/),
  });
});
