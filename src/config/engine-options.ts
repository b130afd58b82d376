import { z } from 'zod';
import { count, countOrZero, path } from './numbers.js';

const url = () => z.url({ protocol: /^https?$/ });

const local = z.strictObject({ name: z.literal('local') });

const openai = z.strictObject({
  name: z.literal('openai'),
  base_url: z
    .union([url(), z.array(url()).min(1)])
    .describe('Of a vLLM or SGLang server, as http://host:8000/v1; of several, which share the prompts.'),
  model: z.string().min(1).describe('What the servers call the model that the run starts from.'),
  server: z.enum(['vllm', 'sglang']).default('vllm').describe('What kind of server it is.'),
  adapter_dir: path()
    .optional()
    .describe('Where adapters are put for the servers. Left out: rollout in the run’s folder.'),
  server_adapter_dir: z
    .string()
    .min(1)
    .optional()
    .describe('What the servers call that folder. Left out: the same, by its absolute path.'),
  sync_steps: count().default(1).describe('Steps from one adapter that the servers are given to the next.'),
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .default('OPENAI_API_KEY')
    .describe('The environment variable that holds the key. Not set: none is sent.'),
  timeout_s: z.number().positive().max(290).default(240).describe('Seconds that a server may take for a group.'),
  max_retries: countOrZero()
    .default(6)
    .describe('Tries after the first, with growing pauses, each at the next server.'),
  concurrency: count(1024).default(32).describe('Groups that are asked for at a time.'),
});

/** What makes the completions. */
export const engine = z.discriminatedUnion('name', [local, openai]);
export type OpenaiEngineOptions = z.output<typeof openai>;
