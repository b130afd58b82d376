/**
 * `npm run bench:decoding`: how long it takes to have a video's frames, beside decord and PyAV: of five clips of real
 * shapes, 16 and 64 frames spread over each. In turns, each time in a process of its own; the start of the process and
 * the loading of libraries are not counted. Ours include the resizing to what a model takes, theirs do not.
 */

import yargs from 'yargs';
import { z } from 'zod';
import { usableCpus } from '../../src/system/cpus.js';
import { runJson } from '../child.js';
import { ownFile, peerFile, projectFile } from '../contenders.js';
import { wantQuiet } from '../machine.js';
import { CLIPS, makeClip } from './clips.js';

const PEERS = ['decord', 'av-seek', 'av-through'] as const;
const otherWay = { 'av-seek': 'av-through', 'av-through': 'av-seek' } as const;
const COUNTS = [16, 64];
/** Of 256: how far the mean brightness of the same frames may differ, resized or not. */
const SAME = 2;

const ours = z.object({ seconds: z.number(), indices: z.array(z.number()), mean: z.number() });
const theirs = z.object({ seconds: z.number(), mean: z.number() });

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const threads = usableCpus();

const { python, rounds, clips } = await yargs(process.argv.slice(2))
  .scriptName('npm run bench:decoding --')
  .option('python', {
    type: 'string',
    demandOption: process.env.VAU_RFT_PYTHON === undefined,
    default: process.env.VAU_RFT_PYTHON,
    describe: 'A Python with decord and av',
  })
  .option('rounds', { type: 'number', default: 5, describe: 'Of which the median counts' })
  .option('clips', {
    type: 'string',
    array: true,
    choices: CLIPS.map(({ name }) => name),
    default: CLIPS.map(({ name }) => name),
    describe: 'Which clips',
  })
  .strict()
  .help()
  .parseAsync();

wantQuiet({ write: false, say });

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const lines = ['| clip | frames | vau-rft | decord | ratio | PyAV | ratio |', '|---|---:|---:|---:|---:|---:|---:|'];
for (const clip of CLIPS.filter(({ name }) => clips.includes(name))) {
  const file = await makeClip({ clip, folder: projectFile('runs/bench/clips') });
  for (const count of COUNTS) {
    const seconds: Record<string, number[]> = { ours: [], ...Object.fromEntries(PEERS.map((peer) => [peer, []])) };
    for (let round = 0; round < rounds; round += 1) {
      const args = [ownFile('decoding/frames.js'), file, String(count)];
      const own = ours.parse(await runJson({ command: process.execPath, args, threads }));
      seconds.ours!.push(own.seconds);
      for (const peer of PEERS) {
        // Of PyAV's two ways the better one counts; after the first round it alone is asked.
        if (peer !== 'decord' && round > 0 && seconds[peer]![0]! > seconds[otherWay[peer]]![0]!) continue;
        const peerArgs = [peerFile('decode.py'), peer, file, JSON.stringify(own.indices)];
        const other = theirs.parse(await runJson({ command: python!, args: peerArgs, threads }));
        if (Math.abs(other.mean - own.mean) > SAME)
          throw new Error(`${peer} read other frames of ${file}: mean ${other.mean} beside ${own.mean}`);
        seconds[peer]!.push(other.seconds);
      }
    }
    const [own, decord, ...pyav] = ['ours', ...PEERS].map((name) => median(seconds[name]!)) as [number, number];
    const av = Math.min(...pyav);
    const cells = [own, decord, own / decord, av, own / av].map((value) => value.toFixed(2));
    lines.push(`| ${clip.shape} | ${count} | ${cells.join(' | ')} |`);
    say(lines.at(-1)!);
  }
}
process.stdout.write(`${lines.join('\n')}\n`);
