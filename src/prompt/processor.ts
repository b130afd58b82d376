import { readVideoProcessorConfig, type VideoProcessorConfig } from '../policy/files/video-processor-config.js';
import { type ChatTemplate, loadChatTemplate } from './chat-template.js';
import { loadTokenizer, type Tokenizer } from './tokenizer.js';

/** All that turns text and frames into a prompt, and a completion's ids into text. */
export interface Processor {
  tokenizer: Tokenizer;
  chatTemplate: ChatTemplate;
  video: VideoProcessorConfig;
  /** Height and width of frames must be multiples of this many pixels: `patchSize · mergeSize`. */
  factor: number;
  /** `<|video_pad|>`: stands for a video in the template's text and for each of its tokens in a prompt. */
  videoTokenId: number;
  /** `<|im_end|>`: what the assistant's turn ends with. */
  endOfTurnId: number;
}

export const VIDEO_TOKEN = '<|video_pad|>';
const END_OF_TURN = '<|im_end|>';

/**
 * Loads a model folder's tokenizer, chat template and video settings (Hugging Face layout).
 *
 * @throws ModelError naming the file that is missing or does not fit.
 */
export async function loadProcessor(folder: string): Promise<Processor> {
  const [tokenizer, chatTemplate, video] = await Promise.all([
    loadTokenizer(folder),
    loadChatTemplate(folder),
    readVideoProcessorConfig(folder),
  ]);
  return {
    tokenizer,
    chatTemplate,
    video,
    factor: video.patchSize * video.mergeSize,
    videoTokenId: tokenizer.idOf(VIDEO_TOKEN),
    endOfTurnId: tokenizer.idOf(END_OF_TURN),
  };
}
