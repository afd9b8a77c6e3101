import { run } from '@millrace/core';
import { AccountBook } from './account-book.js';

await run(AccountBook);
