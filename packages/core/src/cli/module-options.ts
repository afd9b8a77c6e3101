/** What the commands that load a module say about it in their help. */
export const MODULE = 'JavaScript or TypeScript module that exports consumers';
export const CONSUMER = 'only the consumer of this class name; default: all that the module exports';
export const PROPERTIES_FILE = 'a properties file of your own; variables are stronger, the declaration is weaker';
