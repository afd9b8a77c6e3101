// mailer.ts
import { singleton } from '@millrace/core';

@singleton()
export class Mailer {
  async send(to: string, orderId: string): Promise<void> {
    await fetch('https://mail.example/send', { method: 'POST', body: JSON.stringify({ to, orderId }) });
  }
}
