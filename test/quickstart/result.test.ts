import { expect, it } from 'vitest';
import { resultText } from '../../src/quickstart/result.js';

it('puts the video-blind guesser, SFT and GRPO side by side', () => {
  const text = resultText({
    before: { reward: 1.5, 'qa/accuracy': 0.5, 'tag/miou': 0.4, 'cls/accuracy': 0.6 },
    after: {
      reward: 2.25,
      'reward/blind': 1.5,
      'qa/accuracy': 0.75,
      'qa/accuracy/low': 0.7,
      'qa/accuracy/high': 0.8,
      'qa/accuracy/blind': 0.25,
      'tag/miou': 0.5,
      'tag/miou/blind': 0.35,
    },
    minutes: 3.21,
    folder: 'runs/quickstart/grpo',
    configs: 'configs',
    seed: 1,
  });
  const row = (label: string) => text.split('\n').find((line) => line.startsWith(label));
  expect(row('QA accuracy')).toMatch(/25\.0 +50\.0 +75\.0 +70\.0–80\.0$/);
  expect(row('TAG mIoU')).toMatch(/35\.0 +40\.0 +50\.0/);
  expect(row('mean reward')).toMatch(/1\.500 +1\.500 +2\.250/);
  expect(text).toContain('npx vau-rft quickstart --seed 2');
  expect(text).toContain('ablate configs/quickstart/ablate-rewards.yaml');
});
