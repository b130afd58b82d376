import { z } from 'zod';
import { LIMITS } from './limits.js';
import { count, countOrZero, factor, path } from './numbers.js';

const seconds = () => z.number().positive().max(86_400);
const price = () => factor().nonnegative().optional();

/** A language model behind an OpenAI-compatible server. */
const server = {
  base_url: z.url({ protocol: /^https?$/ }).describe('Of the server, as https://host/v1.'),
  model: z.string().min(1).describe('Which of the server’s models.'),
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .default('OPENAI_API_KEY')
    .describe('The environment variable that holds the key. Not set: none is sent.'),
  max_tokens: count(LIMITS.max_completion_length).default(1024).describe('Tokens of a reply.'),
  timeout_s: seconds().default(60).describe('Seconds that the server may take for a reply, before it is asked again.'),
  deadline_s: seconds().default(300).describe('Seconds that a question may take, with all its tries.'),
  max_retries: countOrZero().default(4).describe('Tries after the first, with growing pauses.'),
  concurrency: count(1024).default(8).describe('Questions that are asked at a time.'),
  requests_per_minute: count().optional().describe('At most so many. Left out: as many as there are.'),
  input_price: price().describe('US dollars for a million tokens of questions.'),
  output_price: price().describe('US dollars for a million tokens of replies.'),
  budget: factor()
    .positive()
    .optional()
    .describe('US dollars, by these prices, beyond which nothing more is asked. Left out: no bound.'),
};

/** A model under test. */
export const testedServer = z.strictObject(server);
export type ServerOptions = z.output<typeof testedServer>;

/** A model that grades answers. */
export const judge = z.strictObject({
  ...server,
  structured_output: z
    .enum(['json_schema', 'json_object', 'none'])
    .default('json_schema')
    .describe('How the server is told the form of its reply; it is checked in any case.'),
  temperature: z.number().min(0).max(2).default(0).describe('Of the judge.'),
  step_deadline_s: seconds()
    .default(120)
    .describe('The same as a reward, for all completions of a prompt; what has no grade then is not learned from.'),
  prompts: path()
    .optional()
    .describe('A folder whose files stand in place of our prompts of the same names (data/judge).'),
  cache: path()
    .optional()
    .describe('The folder that keeps replies, by what was asked. Left out: judge in the cache folder.'),
});
export type JudgeOptions = z.output<typeof judge>;
