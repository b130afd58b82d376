import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { ensureFfmpeg } from '../../src/video/ffmpeg.js';
import type { Frames } from '../../src/video/frames.js';

/** A folder for the test file's videos, removed at its end. */
export const clipFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'vau-rft-video-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

export const ffmpeg = async (args: string[]): Promise<void> => {
  const { path } = await ensureFfmpeg({ report: console.error });
  await promisify(execFile)(path, ['-nostdin', '-v', 'error', '-y', ...args]);
};

const BITS = 10;

/**
 * Source of a video in which frame N shows N: ten upright stripes, the first for the lowest bit, white for 1. `rate`
 * frames a second.
 */
export const numbered = ({
  frames,
  size = '320x240',
  rate = 30,
}: {
  frames: number;
  size?: string;
  rate?: number | string;
}): string[] => {
  const stripe = `floor(X*${BITS}/W)`;
  const graph = `color=s=${size}:r=${rate},format=gray,geq=lum='255*mod(floor(N/pow(2,${stripe})),2)'`;
  return ['-f', 'lavfi', '-i', graph, '-frames:v', String(frames)];
};

/** The number that each frame shows. Turned: the stripes lie, the lowest bit on top (or at the bottom). */
export const numbersShown = (
  { data, count, height, width }: Frames,
  { turned }: { turned?: 'top' | 'bottom' } = {},
): number[] =>
  Array.from({ length: count }, (_, frame) => {
    let number = 0;
    for (let bit = 0; bit < BITS; bit += 1) {
      const place = (bit + 0.5) / BITS;
      const row = Math.floor((turned === undefined ? 0.5 : turned === 'top' ? place : 1 - place) * height);
      const column = Math.floor((turned === undefined ? place : 0.5) * width);
      if (data[((frame * height + row) * width + column) * 3]! > 127) number += 2 ** bit;
    }
    return number;
  });
