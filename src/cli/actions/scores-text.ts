import type { RewardConfig } from '../../config/rewards.js';
import type { ScoredLine } from '../../rewards/score-file.js';
import { meanRewards, type RewardScores } from '../../rewards/scores.js';
import { table } from '../../system/table.js';

/** The rewards of completions as a table, with their means in the last row. */
export function scoresText({ scored, terms }: { scored: ScoredLine[]; terms: readonly RewardConfig[] }): string {
  const numbers = ({ rewards, reward }: RewardScores) =>
    [...terms.map(({ name }) => rewards[name] ?? null), reward].map((value) =>
      value === null ? '–' : value.toFixed(3),
    );
  const columns = [
    { title: 'line', align: 'right' as const },
    { title: 'sample' },
    ...[...terms.map(({ name }) => name), 'reward'].map((title) => ({ title, align: 'right' as const })),
  ];
  const rows = scored.map((line) => [String(line.line), line.sample_id, ...numbers(line)]);
  return table({ columns, rows: [...rows, ['', `mean of ${scored.length}`, ...numbers(meanRewards(scored))]] });
}
