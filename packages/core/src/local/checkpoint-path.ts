/** Where the local engine keeps the checkpoints of a consumer. */
export type CheckpointFile = string | ((applicationName: string) => string);

export function checkpointPath(applicationName: string, file: CheckpointFile | undefined): string {
  if (file === undefined) return `.millrace/${applicationName}.checkpoints.json`;
  return typeof file === 'string' ? file : file(applicationName);
}
