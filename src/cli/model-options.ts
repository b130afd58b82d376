/** Options of the commands that ask a model one question. */
export const modelOptions = {
  model: { type: 'string', demandOption: true, describe: 'A model folder in Hugging Face layout' },
  video: { type: 'string', array: true, describe: 'Video files; left out with pictures: text alone' },
  image: { type: 'string', array: true, describe: 'Picture files; they stand before the videos' },
  'video-start': { type: 'number', describe: 'Seconds: show the video from here on' },
  'video-end': { type: 'number', describe: 'Seconds: show the video up to here' },
  prompt: { type: 'string', demandOption: true, describe: 'What to ask' },
  system: { type: 'string', describe: 'A system message' },
  adapter: { type: 'string', describe: 'A PEFT adapter folder' },
  dtype: {
    choices: ['auto', 'bfloat16', 'float32'] as const,
    default: 'auto' as const,
    describe: 'What weights are kept and multiplied in',
  },
  fps: { type: 'number', default: 1, describe: 'Frames a second to sample' },
  'max-frames': { type: 'number', default: 16, describe: 'At most this many frames' },
  'min-pixels': { type: 'number', default: 12544, describe: 'Smaller frames are enlarged to this height · width' },
  'max-pixels': { type: 'number', default: 100352, describe: 'Larger frames are shrunk to this height · width' },
  'image-min-pixels': {
    type: 'number',
    default: 3136,
    describe: 'Smaller pictures are enlarged to this height · width',
  },
  'image-max-pixels': { type: 'number', default: 1_003_520, describe: 'Larger pictures are shrunk to this' },
  json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
} as const;

export interface ModelArgs {
  model: string;
  video?: string[];
  image?: string[];
  'video-start'?: number;
  'video-end'?: number;
  prompt: string;
  system?: string;
  adapter?: string;
  dtype: 'auto' | 'bfloat16' | 'float32';
  fps: number;
  'max-frames': number;
  'min-pixels': number;
  'max-pixels': number;
  'image-min-pixels': number;
  'image-max-pixels': number;
  json: boolean;
}
