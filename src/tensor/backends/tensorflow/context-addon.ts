import { createRequire } from 'node:module';

/** What `native/context` has; nothing but `attach` may be called before it. */
export interface ContextAddon {
  attach(addonPath: string): void;
  join(serverDef: Uint8Array): Promise<void>;
  barrier(name: string, milliseconds: number): void;
  fail(code: number, message: string): void;
  watch(milliseconds: number, message: string): void;
  /** A serialized `FunctionDef`, which can then be called by its name. */
  addFunction(definition: Uint8Array): void;
}

/** Loads it behind TensorFlow's addon. @throws Error where that keeps no context */
export function loadContextAddon({ file, addonPath }: { file: string; addonPath: string }): ContextAddon {
  const context = createRequire(import.meta.url)(file) as ContextAddon;
  context.attach(addonPath);
  return context;
}
