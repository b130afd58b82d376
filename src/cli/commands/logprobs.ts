import type { CommandModule } from 'yargs';
import { type ModelArgs, modelOptions } from '../model-options.js';
import { checkNumbers, positive } from '../numbers.js';

interface Args extends ModelArgs {
  completion: string;
  temperature: number;
}

export const command: CommandModule<object, Args> = {
  command: 'logprobs',
  describe: 'Log-probabilities of a given answer, token by token',
  builder: (cli) =>
    cli.options({
      ...modelOptions,
      json: { type: 'boolean', default: true, describe: 'Print one JSON object; --no-json: a line a token' },
      completion: { type: 'string', demandOption: true, describe: 'The answer to score; its end token is added' },
      temperature: { type: 'number', default: 1, describe: 'Logits are divided by this' },
    }),
  handler: async (args) => {
    checkNumbers(args, { temperature: positive });
    const { checkNumbersOf, openQuestion, promptJson } = await import('../actions/question.js');
    const { toBatch } = await import('../../policy/batch.js');
    const { encodeCompletion } = await import('../../prompt/build.js');
    const { models, prompt } = await openQuestion(args);
    const completion = encodeCompletion({ processor: models.processor, text: args.completion });
    const batch = toBatch({ prompts: [prompt], completions: [[completion]] });
    const { logprobs } = models.policy.score({ batch, temperature: args.temperature });
    checkNumbersOf(args.model, logprobs);
    if (args.json) {
      const result = {
        ...promptJson({ models, prompt }),
        completion_token_ids: [...completion],
        logprobs: [...logprobs],
      };
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    for (const [i, token] of completion.entries()) {
      const text = JSON.stringify(models.processor.tokenizer.decode([token]));
      process.stdout.write(`${logprobs[i]!.toFixed(4).padStart(10)}  ${String(token).padStart(7)}  ${text}\n`);
    }
    const total = logprobs.reduce((sum, logprob) => sum + logprob, 0);
    process.stdout.write(`${total.toFixed(4).padStart(10)}  in all, ${completion.length} tokens\n`);
  },
};
