import { run } from '@millrace/core';
import { ReadingStore } from './reading-store.js';

await run(ReadingStore);
