import path from 'node:path';
import type { Sample } from '../dataset/sample.js';
import { sourceOfPath } from '../dataset/videos.js';

/** Where a sample is from: VAU-Bench's source that its video's path names, else its annotation file. */
export function sourceOf({ id, visuals }: Sample): string {
  const [first] = visuals;
  const known = first && sourceOfPath(first.file);
  return known ?? path.parse(decodeURIComponent(id.split(':')[0]!)).name;
}
