import { z } from 'zod';
import { optionsSchema } from './options.js';

/** As much of JSON Schema as is read here. */
export interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  required?: string[];
  [key: string]: unknown;
}

/**
 * The JSON Schema of a config file, for editors. Nothing but the elements of lists has required keys, since the rest of
 * a file may come from the one that it extends.
 */
export function jsonSchema(): JsonSchema {
  const { $schema, properties, ...rest } = withoutRequired(
    z.toJSONSchema(optionsSchema, { io: 'input' }) as JsonSchema,
  );
  const description = 'A YAML file whose options these are laid on; its path is relative to this file.';
  return {
    $schema,
    title: 'A run of vau-rft',
    ...rest,
    properties: { extends: { description, type: 'string' }, ...properties },
  };
}

function withoutRequired({ required: _, properties, ...schema }: JsonSchema): JsonSchema {
  if (!properties) return schema;
  const inner = Object.entries(properties).map(([key, value]) => [key, withoutRequired(value)]);
  return { ...schema, properties: Object.fromEntries(inner) };
}

/** The schema as it stands in `configs/schema.json`. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}
