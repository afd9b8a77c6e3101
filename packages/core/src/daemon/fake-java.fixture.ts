/** A Java for tests: a release file, and an executable that writes what it was told to archive. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const release = (version: string): string =>
  `IMPLEMENTOR="Maker"\nJAVA_RUNTIME_VERSION="${version}"\nOS_ARCH="x86_64"\n`;

/** Writes the number of classes on the list into the archive; a line for each run goes to `runs` beside it. */
const ARCHIVES = `#!/bin/sh
for flag in "$@"; do
  case $flag in
    -XX:SharedClassListFile=*) list=\${flag#*=};;
    -XX:SharedArchiveFile=*) archive=\${flag#*=};;
  esac
done
echo run >> "$(dirname "$0")/runs"
wc -l < "$list" > "$archive"
`;

export interface FakeJava {
  readonly version?: string;
  readonly script?: string;
}

/** Makes it in `home`, which is then a JAVA_HOME; returns the executable. */
export async function fakeJava(
  home: string,
  { version = '17.0.15+6', script = ARCHIVES }: FakeJava = {},
): Promise<string> {
  const path = join(home, 'bin', 'java');
  await mkdir(join(home, 'bin'), { recursive: true });
  await writeFile(join(home, 'release'), release(version));
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}
