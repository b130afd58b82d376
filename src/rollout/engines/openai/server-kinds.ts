import type { OpenaiEngineOptions } from '../../../config/engine-options.js';

/** A request to a server: a path from its root, and a body. */
export interface ServerRequest {
  path: string;
  body?: object;
}

/** What vLLM and SGLang do each in their own way. */
export interface ServerKind {
  /** Says the version, in a JSON object's `version`. */
  version: ServerRequest;
  /** The first that gives token ids back, where it is known. */
  leastVersion?: string;
  load(adapter: string, folder: string): ServerRequest;
  unload(adapter: string): ServerRequest;
  /** What a request calls a model with an adapter. */
  modelName(model: string, adapter: string): string;
  /** What asks for token ids. */
  wants: object;
}

/**
 * vLLM: `vllm/entrypoints/openai/chat_completion/protocol.py` (`return_token_ids`, from 0.10.2 on) and
 * `vllm/entrypoints/serve/lora` (`/v1/load_lora_adapter`, with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True). SGLang:
 * `python/sglang/srt/entrypoints/openai/protocol.py` (`return_token_ids`, `return_prompt_token_ids`, `base:adapter`) and
 * `entrypoints/http_server.py` (`/load_lora_adapter`). Both as of November 2026.
 */
export const SERVER_KINDS: Record<OpenaiEngineOptions['server'], ServerKind> = {
  vllm: {
    version: { path: '/version' },
    leastVersion: '0.10.2',
    load: (lora_name, lora_path) => ({ path: '/v1/load_lora_adapter', body: { lora_name, lora_path } }),
    unload: (lora_name) => ({ path: '/v1/unload_lora_adapter', body: { lora_name } }),
    modelName: (_, adapter) => adapter,
    wants: { return_token_ids: true },
  },
  sglang: {
    version: { path: '/get_server_info' },
    load: (lora_name, lora_path) => ({ path: '/load_lora_adapter', body: { lora_name, lora_path } }),
    unload: (lora_name) => ({ path: '/unload_lora_adapter', body: { lora_name } }),
    modelName: (model, adapter) => `${model}:${adapter}`,
    wants: { return_token_ids: true, return_prompt_token_ids: true },
  },
};
