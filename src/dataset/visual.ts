/** A video or a picture, as an annotation file names it. */
export interface NamedVisual {
  kind: 'video' | 'image';
  name: string;
  /** Of a video, where only a part is meant. */
  part?: VideoPart;
}

/** Seconds from the start of the file; without an end, to its own. */
export interface VideoPart {
  start: number;
  end?: number;
}

/** A video or a picture with its place. */
export interface VisualFile {
  kind: NamedVisual['kind'];
  /** Absolute path. */
  file: string;
  part?: VideoPart;
}

/** The video, where there is nothing else to see. */
export function onlyVideo<T extends Pick<NamedVisual, 'kind'>>(visuals: readonly T[]): T | undefined {
  const [first, ...others] = visuals;
  return first?.kind === 'video' && others.length === 0 ? first : undefined;
}

/** Seconds that are shown of a video of so many. */
export const partLength = (whole: number, part: VideoPart | undefined): number =>
  part === undefined ? whole : Math.min(part.end ?? whole, whole) - part.start;
