import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, singleton } from '@millrace/core';

/** Injection token of the folder that the archive writes to. */
export const ARCHIVE_FOLDER = Symbol('ARCHIVE_FOLDER');

/** A place for files; a folder here, a bucket in a real program. The same name written twice is the same file. */
@singleton()
export class Archive {
  constructor(@inject(ARCHIVE_FOLDER) private readonly folder: string) {}

  /** Resolves when the whole file is there. */
  async write(name: string, lines: readonly string[], signal: AbortSignal): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(this.folder, { recursive: true });
    await writeFile(`${path}.part`, lines.map((line) => `${line}\n`).join(''), { signal });
    await rename(`${path}.part`, path);
  }
}
