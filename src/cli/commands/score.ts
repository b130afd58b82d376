import type { CommandModule } from 'yargs';
import { setOption } from '../options.js';

interface Arguments {
  config: string;
  completions: string;
  set: string[];
  json: boolean;
}

export const command: CommandModule<object, Arguments> = {
  command: 'score',
  describe: 'The rewards of given texts',
  builder: (yargs) =>
    yargs
      .option('config', { type: 'string', demandOption: true, describe: 'A config: its data, prompt and rewards' })
      .option('completions', {
        type: 'string',
        demandOption: true,
        describe: 'A file with {"sample_id", "text"} a line, or the completions.jsonl of a run',
      })
      .option('set', setOption)
      .option('json', { type: 'boolean', default: false, describe: 'Print a JSON object for each completion' }),
  handler: async ({ config: file, completions, set, json }) => {
    const { loadConfig } = await import('../../config/load.js');
    const { describeLeftOut } = await import('../../dataset/left-out.js');
    const { Rewards } = await import('../../rewards/rewards.js');
    const { scoreFile } = await import('../../rewards/score-file.js');
    const { scoresText } = await import('../actions/scores-text.js');
    const { data, rewards: terms, rollout, judge } = await loadConfig({ file, set });
    const rewards = await Rewards.open({ terms, rollout, judge });
    if (rewards.asksPolicy) process.stderr.write('rewards that ask the policy say nothing: here is none to be asked\n');
    const { scored, leftOut } = await scoreFile({
      completions,
      data,
      rewards,
      log: (message) => void process.stderr.write(`${message}\n`),
    });
    await rewards.close();
    for (const line of describeLeftOut({ file: completions, leftOut })) process.stderr.write(`${line}\n`);
    process.stdout.write(
      json ? scored.map((line) => `${JSON.stringify(line)}\n`).join('') : scoresText({ scored, terms }),
    );
  },
};
