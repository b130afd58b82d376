import type { CommandModule } from 'yargs';

interface Arguments {
  markdown: boolean;
}

export const command: CommandModule<object, Arguments> = {
  command: 'schema',
  describe: 'Print the JSON Schema of a config, for editors',
  builder: (yargs) =>
    yargs.option('markdown', { type: 'boolean', default: false, describe: 'Print the reference of all options' }),
  handler: async ({ markdown }) => {
    const { jsonSchemaText } = await import('../../config/json-schema.js');
    const { configReference } = await import('../../config/reference.js');
    process.stdout.write(markdown ? configReference() : jsonSchemaText());
  },
};
