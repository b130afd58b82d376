/** What stands beside the annotations of a set: counts for programs, words for people. */
import { CLIP_CLASSES } from './classes.js';
import type { ClipPlan } from './plan.js';
import { CLIP_FPS } from './render.js';
import type { SetSettings } from './settings.js';

/** `dataset.json`. Its `settings` are how a set is known again. */
export function datasetJson({
  settings,
  plans,
}: {
  settings: SetSettings;
  plans: ReadonlyMap<string, readonly ClipPlan[]>;
}): string {
  const splits = [...plans].map(([name, clips]) => {
    const classes = CLIP_CLASSES.map((kind) => [kind.name, clips.filter((plan) => plan.class === kind).length]);
    const seconds = clips.reduce((sum, plan) => sum + plan.seconds, 0);
    return [name, { annotations: `${name}.jsonl`, clips: clips.length, seconds, classes: Object.fromEntries(classes) }];
  });
  const about = {
    settings,
    frames_per_second: CLIP_FPS,
    classes: CLIP_CLASSES.map(({ name }) => name),
    splits: Object.fromEntries(splits),
  };
  return `${JSON.stringify(about, null, 2)}\n`;
}

export function readmeText({ settings: { seed, size, seconds, splits } }: { settings: SetSettings }): string {
  const rows = CLIP_CLASSES.map(({ name, phrase, description }) => `| ${name} | ${phrase} | ${description} |`);
  const sources = Object.keys(splits).map(
    (split) =>
      `- \`${split}.jsonl\`: ${splits[split]} clips, a line for each task of each; \`${split}-reasoning.jsonl\`: what \`task: reasoning\` takes`,
  );
  return `# Synthetic surveillance clips

Made by \`vau-rft dataset synthesize\`, seed ${seed}: H.264 files of ${size} × ${size} pixels, ${CLIP_FPS} frames a second, ${seconds[0]} to ${seconds[1]} seconds
long, with a seconds counter burnt in. Drawn, not filmed: good for trying a pipeline out and for tests, not for judging a
model on real scenes.

${sources.join('\n')}
- \`videos/\`: the clips; \`dataset.json\`: settings and counts

In a config: \`{source: jsonl, annotations: train.jsonl, videos: videos}\` takes all of \`qa\`, \`tag\` and \`cls\`;
add \`task: tag\` for one of them. Set \`data.classes\` to the classes below.

| class | option | what is seen |
|---|---|---|
${rows.join('\n')}

An event is seen from \`start\` up to (not including) \`end\`, both even seconds. Passers-by, cars, bags and cones come in
clips of any class. Within a split each class is as frequent as the others, and so is each answer letter within a class;
wrong options, lengths and times are drawn without regard to the class. So a guesser that does not see the video can do
no better than chance.
`;
}
