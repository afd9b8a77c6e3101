import { run } from '@millrace/core';
import { ARCHIVE_FOLDER } from './archive.js';
import { ClickArchiver } from './click-archiver.js';

await run(ClickArchiver, {
  register: (container) => {
    container.register(ARCHIVE_FOLDER, { useValue: process.env['ARCHIVE_FOLDER'] ?? './clicks' });
  },
});
