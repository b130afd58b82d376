import { table } from '../system/table.js';

const TASKS = [
  { label: 'QA accuracy', key: 'qa/accuracy' },
  { label: 'TAG mIoU', key: 'tag/miou' },
  { label: 'CLS accuracy', key: 'cls/accuracy' },
] as const;

/** What a quickstart prints at its end. */
export function resultText(args: {
  /** Flat metrics after SFT and after GRPO, the guessers' among them. */
  before: Record<string, number>;
  after: Record<string, number>;
  minutes: number;
  /** Of the GRPO run. */
  folder: string;
  /** Where the package's configs are. */
  configs: string;
  seed: number;
}): string {
  const { before, after, minutes, folder, configs, seed } = args;
  const percent = (value: number | undefined) => (value === undefined ? '' : (100 * value).toFixed(1));
  const rows = TASKS.map(({ label, key }) => [
    `${label}, %`,
    percent(after[`${key}/blind`]),
    percent(before[key]),
    percent(after[key]),
    `${percent(after[`${key}/low`])}–${percent(after[`${key}/high`])}`,
  ]);
  const reward = (value: number | undefined) => value?.toFixed(3) ?? '';
  const columns = ['held-out clips', 'video-blind', 'after SFT', 'after GRPO', '95 % interval'].map((title, i) => ({
    title,
    align: i === 0 ? ('left' as const) : ('right' as const),
  }));
  return `${table({ columns, rows: [...rows, ['mean reward', reward(after['reward/blind']), reward(before.reward), reward(after.reward), '']] })}
${minutes.toFixed(1)} minutes. The run is in ${folder}: metrics.jsonl, completions.jsonl, checkpoints/.

What to try next:
${suggestions({ folder, configs, seed })}`;
}

function suggestions({ folder, configs, seed }: { folder: string; configs: string; seed: number }): string {
  const lines = [
    [`npx vau-rft report ${folder}`, 'see it: one page with curves, videos, what it said'],
    [`npx vau-rft quickstart --seed ${seed + 1}`, 'other clips, another model'],
    [`npx vau-rft ablate ${configs}/quickstart/ablate-rewards.yaml`, 'what does each reward term bring?'],
    [`npx vau-rft train ${configs}/tag-qwen2-vl-2b.yaml --dry-run`, 'the real job: Qwen2-VL and VAU-Bench'],
  ] as const;
  const width = Math.max(...lines.map(([command]) => command.length));
  return lines.map(([command, why]) => `  ${command.padEnd(width)}   ${why}\n`).join('');
}
