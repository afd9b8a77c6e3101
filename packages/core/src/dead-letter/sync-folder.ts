/** A new or renamed file survives a power cut only when its folder was synced as well. */
import { open } from 'node:fs/promises';

/** Makes the names in a folder durable. Windows cannot open folders and keeps names durable by itself: there it does nothing. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
