import { openJarStore, type JarStore } from '../../daemon/jar-store.js';
import type { Terminal } from '../terminal.js';

export interface AllFlag {
  readonly all: boolean;
}

/** The store of the environment; `--all` is the variable for one command. */
export function openStore({ all }: AllFlag, { env }: Terminal): Promise<JarStore> {
  return openJarStore(all ? { ...env, MILLRACE_JARS_ALL: '1' } : env);
}
