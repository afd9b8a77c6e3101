/** The worker as you would deploy it. `npm run worker` reads the stream `orders` of your AWS account, without Java. */
import { run } from '@millrace/core';
import { MAIL_FILE } from './mailer.js';
import { OrderMailer } from './order-mailer.js';

await run(OrderMailer, {
  register: (container) => {
    container.register(MAIL_FILE, { useValue: './mails.jsonl' });
  },
});
