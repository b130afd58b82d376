import type { CommandModule } from 'yargs';

export const command: CommandModule = {
  command: 'schema',
  describe: 'Print the JSON Schema of a config, for editors',
  handler: async () => {
    const { jsonSchemaText } = await import('../../config/json-schema.js');
    process.stdout.write(jsonSchemaText());
  },
};
