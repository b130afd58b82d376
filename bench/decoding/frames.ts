/** Prints, as JSON, how long it takes to load the frames of a video, and which those are. Arguments: file, how many. */
import { chooseFrames } from '../../src/video/choose-frames.js';
import { requireFfmpeg } from '../../src/video/ffmpeg.js';
import { loadFrames } from '../../src/video/load-frames.js';
import { probeVideo } from '../../src/video/probe.js';
import { frameTimes } from '../../src/video/timeline.js';

const [file, count] = process.argv.slice(2) as [string, string];
const settings = { fps: 1000, max_frames: Number(count), min_pixels: 12_544, max_pixels: 100_352 };
await requireFfmpeg();
const started = performance.now();
const { times, data } = await loadFrames({ file, settings, factor: 28 });
const seconds = (performance.now() - started) / 1000;
const { timeline, duration } = await probeVideo({ file });
const all = { times: frameTimes(timeline), duration };
const indices = chooseFrames({ ...all, fps: settings.fps, maxFrames: settings.max_frames });
const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
process.stdout.write(`${JSON.stringify({ seconds, indices, times, mean })}\n`);
