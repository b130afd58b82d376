import { type JsonSchema, jsonSchema } from './json-schema.js';

const INTRO = `# Options of a config

Made from the schema by \`vau-rft schema --markdown\`; \`vau-rft schema\` prints it for editors. Whatever is not given has its
default. A file may extend another one (\`extends: base.yaml\`), and \`--set training.max_steps=100\` goes before both. Elements of
lists are reached by place or name: \`--set rewards.format.weight=0\`. Names are those of TRL and Hugging Face where they have one.
`;

/** A part of the page: an object's options, under the path that leads to them. */
interface Section {
  title: string;
  description?: string;
  rows: string[][];
}

/** The reference of all options as a page of Markdown, made from the schema (`docs/config.md`). */
export function configReference(): string {
  const { properties = {} } = jsonSchema();
  const all = Object.entries(properties);
  const plain = all.filter(([, schema]) => !isSection(schema));
  const sections = [
    { title: 'The run', rows: plain.map(([name, schema]) => row({ name, schema })) },
    ...all.filter(([, schema]) => isSection(schema)).flatMap(([name, schema]) => sectionsOf(name, schema)),
  ];
  return `${INTRO}\n${merged(sections).map(sectionText).join('\n')}`;
}

const isSection = ({ properties, items }: JsonSchema): boolean =>
  properties !== undefined || items?.oneOf !== undefined;

/** Kinds that an option's value, or each element of it, is one of; undefined where there are none. */
function kindsOf({ items, oneOf }: JsonSchema): JsonSchema[] | undefined {
  if (items?.oneOf !== undefined) return items.oneOf;
  return oneOf?.every(({ properties }) => properties !== undefined) ? oneOf : undefined;
}

/** An object with its inner ones, `lora.r` beside `path`; what is of several kinds follows, a kind a section. */
function sectionsOf(title: string, schema: JsonSchema): Section[] {
  const { description, properties, items } = schema;
  if (properties === undefined) return membersOf(title, schema);
  const leaves = leavesOf(schema);
  const lists = leaves.filter(([, leaf]) => kindsOf(leaf) !== undefined);
  return [
    { title, description: text(description), rows: leaves.map(([name, leaf]) => row({ name, schema: leaf })) },
    ...lists.flatMap(([name, leaf]) => membersOf(`${title}.${name}`, leaf)),
    ...(items === undefined ? [] : membersOf(title, schema)),
  ];
}

function leavesOf({ properties = {} }: JsonSchema, path = ''): [string, JsonSchema][] {
  return Object.entries(properties).flatMap(([name, schema]): [string, JsonSchema][] => {
    const own: [string, JsonSchema] = [`${path}${name}`, schema];
    if (schema.properties === undefined) return [own];
    return [...(schema.description === undefined ? [] : [own]), ...leavesOf(schema, `${path}${name}.`)];
  });
}

/** What tells the kinds apart is the option that has one value only. */
function membersOf(title: string, schema: JsonSchema): Section[] {
  const { description } = schema;
  return kindsOf(schema)!.map((member, i) => {
    const { properties = {}, required = [] } = member;
    const [key, { const: value }] = Object.entries(properties).find(([, schema]) => schema.const !== undefined)!;
    return {
      title: `${title}, ${key}: ${value}`,
      description: i === 0 ? text(description) : undefined,
      rows: Object.entries(properties).map(([name, schema]) =>
        row({ name, schema, isRequired: required.includes(name) }),
      ),
    };
  });
}

function row({ name, schema, isRequired = false }: { name: string; schema: JsonSchema; isRequired?: boolean }) {
  const { default: value, description } = schema;
  const isList = schema.items?.oneOf !== undefined;
  const shown =
    value === undefined || (isList && (value as unknown[]).length > 0) ? '' : `\`${JSON.stringify(value)}\``;
  return [`\`${name}\``, typeOf(schema), isRequired ? 'required' : shown, text(description) ?? ''];
}

/** What a value may be, for people. */
function typeOf(schema: JsonSchema): string {
  const { type, enum: values, const: only, items, oneOf, anyOf, properties, additionalProperties } = schema;
  if (only !== undefined) return `\`${only}\``;
  if (Array.isArray(values)) return values.map((value) => `\`${value}\``).join(', ');
  const kinds = oneOf ?? anyOf;
  if (kindsOf(schema) !== undefined && items === undefined) return 'map, see below';
  if (kinds !== undefined) return kinds.map(typeOf).join(' or ');
  if (items !== undefined) return items.oneOf === undefined ? `list of ${typeOf(items)}` : 'list, see below';
  if (properties !== undefined || additionalProperties !== undefined) return 'map';
  if (type === 'number' || type === 'integer') return numberText(schema);
  return type === 'boolean' ? '`true`, `false`' : 'text';
}

function numberText({ type, multipleOf, minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  const kind = type === 'integer' || multipleOf === 1 ? 'whole number' : 'number';
  const bounds = [
    minimum === undefined ? [] : [`≥ ${minimum}`],
    exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`],
    maximum === undefined ? [] : [`≤ ${maximum}`],
  ].flat();
  return [kind, ...bounds].join(' ');
}

/** Sections with the same rows are one: `data.train, …` and `data.eval, …`. */
function merged(sections: Section[]): Section[] {
  const bySameRows = new Map<string, Section>();
  for (const section of sections) {
    const key = JSON.stringify(section.rows);
    const known = bySameRows.get(key);
    if (known === undefined) bySameRows.set(key, section);
    else
      bySameRows.set(key, {
        ...known,
        title: `${known.title.split(', ')[0]}, ${section.title}`,
        description: undefined,
      });
  }
  return [...bySameRows.values()];
}

function sectionText({ title, description, rows }: Section): string {
  const lines = [['option', 'value', 'default', ''], ['---', '---', '---', '---'], ...rows];
  const table = lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');
  return `## ${title}\n\n${description === undefined ? '' : `${description}\n\n`}${table}`;
}

/** A description; its angle brackets are no tags. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.replaceAll('<', '&lt;') : undefined;
