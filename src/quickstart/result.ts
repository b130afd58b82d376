import { type BlindBaseline, blindReward } from '../evaluation/blind.js';
import { table } from '../report/table.js';

const TASKS = [
  { task: 'qa', label: 'QA accuracy', key: 'qa/accuracy' },
  { task: 'tag', label: 'TAG mIoU', key: 'tag/miou' },
  { task: 'cls', label: 'CLS accuracy', key: 'cls/accuracy' },
] as const;

/** What a quickstart prints at its end. */
export function resultText(args: {
  /** Flat metrics after SFT and after GRPO. */
  before: Record<string, number>;
  after: Record<string, number>;
  blind: BlindBaseline[];
  minutes: number;
  folder: string;
}): string {
  const { before, after, blind, minutes, folder } = args;
  const percent = (value: number | undefined) => (value === undefined ? '' : (100 * value).toFixed(1));
  const rows = TASKS.map(({ task, label, key }) => {
    const guesser = blind.find((one) => one.task === task);
    return [
      `${label}, %`,
      percent(guesser?.value),
      percent(before[key]),
      percent(after[key]),
      `${percent(after[`${key}/low`])}–${percent(after[`${key}/high`])}`,
    ];
  });
  const reward = (metrics: Record<string, number>) => metrics.reward?.toFixed(3) ?? '';
  const columns = ['held-out clips', 'video-blind', 'after SFT', 'after GRPO', '95 % interval'].map((title, i) => ({
    title,
    align: i === 0 ? ('left' as const) : ('right' as const),
  }));
  return `${table({ columns, rows: [...rows, ['mean reward', blindReward(blind).toFixed(3), reward(before), reward(after), '']] })}
${minutes.toFixed(1)} minutes. The run is in ${folder}: metrics.jsonl, completions.jsonl, checkpoints/.

What to try next:
  vau-rft quickstart --seed 2                                  another data set, another model
  vau-rft ablate configs/quickstart/ablate-rewards.yaml        what does each reward term bring?
  vau-rft train configs/tag-qwen2-vl-2b.yaml --dry-run         the real job: Qwen2-VL and VAU-Bench
`;
}
