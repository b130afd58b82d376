import { describe, expect, it } from 'vitest';
import { secretScrubbers } from '../../src/system/secrets.js';

const { messages, results } = secretScrubbers({
  JUDGE_API_KEY: 'k"ey 12345678',
  DB_PASSWORD: 'k"ey 12345678 and more',
  MY_TOKEN: 'short',
  MODEL_SECRET: 'of-the-model',
  hub_token: 'of-the-hub',
  AWS_CREDENTIALS: 'of-a-cloud',
  UNSET_KEY: undefined,
  HOME: '/home/somebody',
});

describe('secretScrubbers', () => {
  it.each([
    ['a value', 'key k"ey 12345678 in /home/somebody', 'key [secret] in /home/somebody'],
    ['the longer of two', 'k"ey 12345678 and more', '[secret]'],
    ['in JSON', String.raw`{"a":"k\"ey 12345678"}`, '{"a":"[secret]"}'],
    ['in a URL', 'http://x/?k=k%22ey%2012345678', 'http://x/?k=[secret]'],
    ['of each name', 'of-the-model of-the-hub of-a-cloud', '[secret] [secret] [secret]'],
    ['a password of a URL', 'https://me:pa$$w0rd@host/x://y', 'https://me:[secret]@host/x://y'],
  ])('blot out of everything what is known to be secret: %s', (_, text, clean) => {
    expect(results(text)).toBe(clean);
    expect(messages(text)).toBe(clean);
  });

  it.each([
    ['--set judge.api_key=abcd1234', '--set judge.api_key=[secret]'],
    ['--set judge={api-key: abcd1234, url: http://x}', '--set judge={api-key: [secret], url: http://x}'],
    ['{"password":"hunter22","step":1}', '{"password":"[secret]","step":1}'],
    ['http://x/y?token=abcdef&z=1', 'http://x/y?token=[secret]&z=1'],
    [`Bearer sk-${'a1B2'.repeat(8)} refused`, 'Bearer [secret] refused'],
    [`hf_${'x'.repeat(34)}`, '[secret]'],
    [`ghp_${'x'.repeat(36)}`, '[secret]'],
    ['xoxb-1234-abcdef', '[secret]'],
    [`AKIA${'A1B2'.repeat(4)}`, '[secret]'],
    ['private-key: abcd, secretkey=abcd', 'private-key: [secret], secretkey=[secret]'],
    ['PASSWD=abcd passphrase: abcd', 'PASSWD=[secret] passphrase: [secret]'],
    ['secret=12ab credential=1.2.3 credentials: abcd', 'secret=[secret] credential=[secret] credentials: [secret]'],
    ['hf_token=abcd', 'hf_token=[secret]'],
  ])('blot out of messages what looks like one, and leave results alone: %s', (text, clean) => {
    expect(messages(text)).toBe(clean);
    expect(results(text)).toBe(text);
  });

  it.each([
    'special token: <|im_end|>, a short one',
    'max_token=512, secret=1234, secret=0.25, secret=abc',
    'pad_token=<|endoftext|>, task-force-of-twenty-four',
    'tokenizer.json: 12 tokens',
    'a 12:30@x and https://host:8080/a@b',
    'the secret is out',
    'rewards.format.weight=0.5',
  ])('leave the rest alone: %s', (text) => expect(messages(text)).toBe(text));
});
