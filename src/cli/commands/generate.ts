import type { CommandModule } from 'yargs';
import { LIMITS } from '../../config/limits.js';
import { type ModelArgs, modelOptions } from '../model-options.js';
import { checkNumbers, countOrZero, countUpTo, notNegative, positive, share, shareOrZero } from '../numbers.js';

interface Args extends ModelArgs {
  'max-new-tokens': number;
  temperature: number;
  'top-p': number;
  'top-k': number;
  'min-p': number;
  'repetition-penalty': number;
  seed: number;
}

export const command: CommandModule<object, Args> = {
  command: 'generate',
  describe: 'Ask a model about a video',
  builder: (cli) =>
    cli.options({
      ...modelOptions,
      'max-new-tokens': { type: 'number', default: 512, describe: 'Tokens, after which the answer is cut off' },
      temperature: { type: 'number', default: 0, describe: '0: always the most likely token' },
      'top-p': { type: 'number', default: 1, describe: 'Sample from the fewest tokens that hold this probability' },
      'top-k': { type: 'number', default: 0, describe: 'Sample from the k most likely tokens; 0: from all' },
      'min-p': {
        type: 'number',
        default: 0,
        describe: 'Sample from tokens with this part of the likeliest one’s probability',
      },
      'repetition-penalty': {
        type: 'number',
        default: 1,
        describe: 'Above 1: tokens that stand before are less likely',
      },
      seed: { type: 'number', default: 0, describe: 'Of the sampling' },
    }),
  handler: async (args) => {
    checkNumbers(args, {
      'max-new-tokens': countUpTo(LIMITS.max_completion_length),
      temperature: notNegative,
      'top-p': share,
      'top-k': countOrZero,
      'min-p': shareOrZero,
      'repetition-penalty': positive,
      seed: countOrZero,
    });
    const { checkNumbersOf, openQuestion, promptJson } = await import('../actions/question.js');
    const { localEngine } = await import('../../rollout/engines/local.js');
    const { uniform } = await import('../../system/random.js');
    const { models, prompt } = await openQuestion(args);
    const { completions } = await localEngine(models).generate({
      prompts: [prompt],
      numGenerations: 1,
      sampling: {
        temperature: args.temperature,
        top_p: args['top-p'],
        top_k: args['top-k'],
        min_p: args['min-p'],
        repetition_penalty: args['repetition-penalty'],
        max_completion_length: args['max-new-tokens'],
        min_completion_length: 0,
      },
      uniform: (_, generation, token) => uniform(args.seed, generation, token),
    });
    const { tokenIds, logprobs, truncated } = completions[0]![0]!;
    checkNumbersOf(args.model, logprobs);
    const text = models.processor.tokenizer.decode(tokenIds, { skipSpecialTokens: true });
    const result = {
      text,
      ...promptJson({ models, prompt }),
      completion_token_ids: [...tokenIds],
      truncated,
    };
    process.stdout.write(`${args.json ? JSON.stringify(result) : text}\n`);
  },
};
