import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readAblation } from '../../src/ablation/file.js';
import { loadConfig } from '../../src/config/load.js';
import { DEFAULT_REWARDS } from '../../src/config/rewards.js';
import { resolvedConfigText } from '../../src/config/text.js';
import { loadDataset } from '../../src/dataset/load.js';
import { openSafetensors } from '../../src/model-folder/safetensors.js';
import { readTrainable } from '../../src/policy/adapter/trainable.js';
import { openProcessor, weightShapes } from '../../src/policy/families/named.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { openModel } from '../../src/policy/open-model.js';
import { buildPrompt } from '../../src/prompt/build.js';
import { Rewards } from '../../src/rewards/rewards.js';
import { scoreFile } from '../../src/rewards/score-file.js';
import { expectedCompletion, promptText } from '../../src/tasks/words.js';

/** What a command does first with files of a kind, as far as no device is needed. */
export const READERS: Record<string, (folder: string) => Promise<void>> = {
  config: async (folder) => {
    resolvedConfigText(await loadConfig({ file: join(folder, 'config.yaml') }));
  },
  set: async (folder) => {
    // As many and as long as a system lets a command line be.
    const lines = (await readFile(join(folder, 'set.txt'), 'utf8')).split('\n', 1000);
    const set = lines.map((line) => line.slice(0, 2 ** 17));
    await loadConfig({ file: join(folder, 'config.yaml'), set });
  },
  ablation: async (folder) => {
    await readAblation(join(folder, 'ablation.yaml'));
  },
  jsonl: (folder) => readSamples(folder, 'jsonl', 'train.jsonl'),
  csv: (folder) => readSamples(folder, 'vau-bench', 'train.csv'),
  completions: async (folder) => {
    const source = { source: 'jsonl' as const, annotations: join(folder, 'train.jsonl') };
    const data = { train: [source], eval: [], prompt: 'think' as const };
    const rewards = await Rewards.open({
      rollout: { max_completion_length: 512, num_generations: 8 },
      terms: DEFAULT_REWARDS,
    });
    await scoreFile({ completions: join(folder, 'completions.jsonl'), data, rewards, log: () => {} });
  },
  safetensors: async (folder) => {
    const file = await openSafetensors(join(folder, 'model.safetensors'));
    try {
      for (const name of file.entries.keys()) await file.readTensor(name);
    } finally {
      await file.close();
    }
  },
  model: (folder) => readWeights({ folder }),
  adapter: async (folder) => {
    await readWeights({ folder: join(folder, 'model'), adapter: folder });
    await readTrainable({ folder, model: await readModelConfig(join(folder, 'model')) });
  },
  processor: async (folder) => {
    const processor = await openProcessor({ folder, config: await readModelConfig(folder) });
    const { tokenIds } = buildPrompt({ processor, userText: 'Is this normal?\n1, 2 …', systemPrompt: 'Be brief.' });
    processor.tokenizer.decode([...tokenIds, 0, 5, 2 ** 20]);
  },
};

async function readSamples(folder: string, source: 'jsonl' | 'vau-bench', name: string): Promise<void> {
  const annotations = join(folder, name);
  // A command asks for one task; a large file is not read for each.
  const tasks = (await stat(annotations)).size > 2 ** 20 ? (['tag'] as const) : (['qa', 'tag', 'cls'] as const);
  for (const task of source === 'jsonl' ? [undefined] : tasks) {
    const train = [{ source, annotations, videos: folder, task }];
    const samples = await loadDataset({ data: { train, eval: [] }, split: 'train', log: () => {} });
    for (const sample of samples) {
      promptText({ sample, style: 'think' });
      expectedCompletion({ sample, style: 'think' });
    }
  }
}

async function readWeights(args: { folder: string; adapter?: string }): Promise<void> {
  const { config, weights } = await openModel(args);
  try {
    for (const [name] of weightShapes(config)) await weights.read(name);
  } finally {
    await weights.close();
  }
}
