import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureFfmpeg } from '../../src/video/ffmpeg.js';

/** A clip of the shape of real ones. */
export interface Clip {
  name: string;
  /** What it stands for. */
  shape: string;
  source: { size: string; rate: number; seconds: number };
  encoder: string[];
}

/** Frames two by two seconds apart, then closer, with a gap every ten seconds: as phones and network cameras record. */
const VARIED = "settb=1/90000,setpts='(N/30+0.4*sin(N/40)+floor(N/300)*0.7)/TB'";

export const CLIPS: Clip[] = [
  {
    name: 'ucf-1min',
    shape: '320×240, 30 fps, 1 min',
    source: { size: '320x240', rate: 30, seconds: 60 },
    encoder: ['-b:v', '400k'],
  },
  {
    name: 'ucf-10min',
    shape: '320×240, 30 fps, 10 min',
    source: { size: '320x240', rate: 30, seconds: 600 },
    encoder: ['-b:v', '400k'],
  },
  {
    name: 'hd',
    shape: '1920×1080, 30 fps, 20 s',
    source: { size: '1920x1080', rate: 30, seconds: 20 },
    encoder: ['-b:v', '5M'],
  },
  {
    name: 'varied',
    shape: '640×360, variable rate, 2 min',
    source: { size: '640x360', rate: 30, seconds: 120 },
    encoder: ['-vf', VARIED, '-fps_mode', 'passthrough', '-enc_time_base', '1/90000', '-b:v', '900k'],
  },
  {
    name: 'one-key',
    shape: '640×480, 25 fps, 2 min, one key frame',
    source: { size: '640x480', rate: 25, seconds: 120 },
    encoder: ['-g', '1000000', '-keyint_min', '1000000', '-sc_threshold', '0', '-b:v', '900k'],
  },
];

/** Makes a clip of moving patterns under moving noise, unless it is there. @returns its file */
export async function makeClip({ clip, folder }: { clip: Clip; folder: string }): Promise<string> {
  const file = join(folder, `${clip.name}.mp4`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const { path } = await ensureFfmpeg({ report: (line) => void process.stderr.write(`${line}\n`) });
  const { size, rate, seconds } = clip.source;
  const source = `testsrc2=s=${size}:r=${rate}:d=${seconds},noise=alls=12:allf=t,gblur=sigma=0.6`;
  const unfinished = join(folder, `${clip.name}.${process.pid}.mp4`);
  const encoder = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', ...clip.encoder];
  await promisify(execFile)(path, ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...encoder, unfinished]);
  await rename(unfinished, file);
  return file;
}
