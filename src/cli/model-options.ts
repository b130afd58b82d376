/** Options of the commands that run a model on one video. */
export const modelOptions = {
  model: { type: 'string', demandOption: true, describe: 'A model folder in Hugging Face layout' },
  video: { type: 'string', describe: 'A video file; left out: text alone' },
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
  json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
} as const;

export interface ModelArgs {
  model: string;
  video?: string;
  prompt: string;
  system?: string;
  adapter?: string;
  dtype: 'auto' | 'bfloat16' | 'float32';
  fps: number;
  'max-frames': number;
  'min-pixels': number;
  'max-pixels': number;
  json: boolean;
}
