import { run } from '@millrace/core';
import { NoteTaker } from './note-taker.js';

await run(NoteTaker);
