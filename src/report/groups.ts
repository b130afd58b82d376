import type { Config } from '../config/schema.js';
import { labelsOf } from '../dataset/classes.js';
import { loadDataset } from '../dataset/load.js';
import type { Sample, Segment } from '../dataset/sample.js';
import type { VisualFile } from '../dataset/visual.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { loadTokenizer, type Tokenizer } from '../prompt/tokenizer.js';
import { readRecords } from '../run/jsonl.js';
import { parseCompletion } from '../tasks/completion.js';
import { chooseGroups, type GroupSketch } from './choose-groups.js';
import type { PageCompletion, PageGroup } from './page-data.js';

/** What a line of `completions.jsonl` holds. */
interface Line {
  step: number;
  sample_id: string;
  generation: number;
  prompt: string;
  text: string;
  completion_ids: number[];
  logprobs: (number | null)[];
  ref_logprobs?: (number | null)[];
  rewards: Record<string, number | null>;
  reward: number | null;
  advantage: number | null;
  truncated: boolean;
  passed_over?: true;
  annotated?: true;
}

interface GroupReader {
  /**
   * @param room characters that they may take as JSON
   * @returns some of the groups, by step; their videos, by what they are called there; and what was left out
   */
  read(args: {
    file: string;
    room: number;
  }): Promise<{ groups: PageGroup[]; videos: Map<string, VisualFile>; note?: string }>;
}

/** What is wanted to read groups as people do: the annotations, and the tokenizer, as far as they are still there. */
export async function groupReader(args: { config: Config; warn: (message: string) => void }): Promise<GroupReader> {
  const { config, warn } = args;
  const lost = (what: string) => (error: Error) => {
    warn(`${what} (${error.message})`);
    return undefined;
  };
  const samples = await loadDataset({ data: config.data, split: 'train', log: () => {} }).catch(
    lost('the annotations cannot be read any more: no videos, and no right answers'),
  );
  const tokenizer = await modelFolder(config.model.path)
    .then(loadTokenizer)
    .catch(lost('the tokenizer cannot be read any more: completions are shown whole'));
  const byId = new Map((samples ?? []).map((sample) => [sample.id, sample]));
  const classes = labelsOf(config.data);
  return {
    read: async ({ file, room }) => {
      const sketches = await sketch(file);
      const order = chooseGroups(sketches);
      // Read in their order, since a file may be larger than memory; measured in that of their worth.
      const wanted = new Set(order.slice(0, MOST));
      const made = new Map<number, PageGroup>();
      await eachGroup(file, (lines, i) => {
        if (wanted.has(i))
          made.set(
            i,
            pageGroup({ lines, sample: byId.get(lines[0]!.sample_id), tokenizer, classes, style: config.data.prompt }),
          );
      });
      let left = room;
      const taken = order.filter((i) => {
        const group = made.get(i);
        left -= group === undefined ? Number.POSITIVE_INFINITY : JSON.stringify(group).length;
        return left >= 0;
      });
      const groups = taken.toSorted((a, b) => a - b).map((i) => made.get(i)!);
      const note =
        groups.length === sketches.length
          ? undefined
          : `${groups.length} of ${sketches.length} groups are here: the best, the worst, those that differ most, those that cannot be read, and others spread over the run; all are in completions.jsonl`;
      const videos = groups.flatMap(({ id, video }) =>
        video === null ? [] : [[video, byId.get(id)!.visuals[0]!] as const],
      );
      return { groups, videos: new Map(videos), note };
    },
  };
}

/** Groups that are looked at more closely. */
const MOST = 400;

async function sketch(file: string): Promise<GroupSketch[]> {
  const sketches: GroupSketch[] = [];
  await eachGroup(file, (lines) => {
    const { step, sample_id: id } = lines[0]!;
    sketches.push({
      step,
      id,
      rewards: lines.flatMap(({ reward }) => reward ?? []),
      hasProblem: lines.some(({ rewards }) => rewards.format === 0),
      isTruncated: lines.some(({ truncated }) => truncated),
    });
  });
  return sketches;
}

/** The lines of each group, which stand one after the other. */
async function eachGroup(file: string, body: (lines: Line[], i: number) => void): Promise<void> {
  let lines: Line[] = [];
  let count = 0;
  const end = () => {
    if (lines.length > 0) body(lines, count++);
    lines = [];
  };
  await readRecords(file, (record) => {
    const line = record as unknown as Line;
    // A sample may come twice in a step.
    if (line.generation === 0 || line.step !== lines[0]?.step || line.sample_id !== lines[0]?.sample_id) end();
    lines.push(line);
  });
  end();
}

function pageGroup(args: {
  lines: readonly Line[];
  sample: Sample | undefined;
  tokenizer: Tokenizer | undefined;
  classes: readonly string[];
  style: Config['data']['prompt'];
}): PageGroup {
  const { lines, sample, tokenizer, classes, style } = args;
  const { step, sample_id: id, prompt, passed_over } = lines[0]!;
  return {
    step,
    id,
    task: sample?.task ?? id.slice(id.lastIndexOf(':') + 1),
    video: sample === undefined ? null : videoKey(sample),
    question: sample?.question ?? null,
    options: sample?.options ?? null,
    truth: truthOf(sample),
    segment: shownSegment(sample?.segment),
    prompt,
    completions: lines.map((line): PageCompletion => {
      const parsed = sample && parseCompletion({ text: line.text, sample, style, classes });
      return {
        text: line.text,
        tokens: tokenizer ? tokensOf(line, tokenizer) : null,
        rewards: line.rewards,
        reward: line.reward,
        advantage: line.advantage === null ? null : Number(line.advantage.toPrecision(4)),
        truncated: line.truncated,
        answer: parsed?.answer ?? null,
        segment: shownSegment(parsed?.interval),
        problem: parsed?.problem ?? null,
        annotated: line.annotated ?? false,
      };
    }),
    passedOver: passed_over ?? false,
  };
}

function tokensOf(line: Line, tokenizer: Tokenizer): PageCompletion['tokens'] {
  // What is not finite is null in the file.
  const digits = (value: number | null | undefined) => (value == null ? null : Number(value.toFixed(2)));
  return line.completion_ids.map((id, i) => [
    tokenizer.decode([id]),
    digits(line.logprobs[i]),
    digits(line.ref_logprobs?.[i]),
  ]);
}

function truthOf(sample: Sample | undefined): [string, string][] {
  if (sample === undefined) return [];
  const { answer, options, segment, class: label, description, keyObject } = sample;
  const text = answer && options?.['ABCD'.indexOf(answer)];
  return [
    ...(answer === undefined ? [] : [['answer', `${answer}. ${text}`] as [string, string]]),
    ...(segment.kind === 'unknown' ? [] : [['segment', segmentText(segment)] as [string, string]]),
    ...(label === undefined ? [] : [['class', label] as [string, string]]),
    ...(keyObject === undefined ? [] : [['key object', keyObject] as [string, string]]),
    ...(description === undefined ? [] : [['description', description] as [string, string]]),
  ];
}

/** What a group's video is called in the page; null where there is none. */
function videoKey({ visuals: [first] }: Sample): string | null {
  if (first?.kind !== 'video') return null;
  const { file, part } = first;
  return part === undefined ? file : `${file}#t=${part.start},${part.end ?? ''}`;
}

const segmentText = (segment: Segment): string =>
  segment.kind === 'interval' ? `${segment.start} to ${segment.end} s` : 'none: all is normal';

function shownSegment(segment: Segment | undefined): [number, number] | 'normal' | null {
  if (segment === undefined || segment.kind === 'unknown') return null;
  return segment.kind === 'normal' ? 'normal' : [segment.start, segment.end];
}
