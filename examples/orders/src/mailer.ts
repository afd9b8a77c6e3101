import { open, type FileHandle } from 'node:fs/promises';
import { inject, singleton } from '@millrace/core';

/** Injection token of the file that mails are written to. */
export const MAIL_FILE = Symbol('MAIL_FILE');

export type Mail =
  | { readonly kind: 'confirmation'; readonly recordId: string; readonly orderId: string; readonly to: string }
  | { readonly kind: 'shardClosed'; readonly shardId: string; readonly confirmed: number };

/**
 * Sends mails; here into a file, one line of JSON each, so that you can count them. One instance serves all shards.
 *
 * A record can be delivered again after a crash. A real mail service takes `recordId` as its idempotency key.
 */
@singleton()
export class Mailer {
  #file: Promise<FileHandle> | undefined;

  constructor(@inject(MAIL_FILE) private readonly path: string) {}

  /** Resolves when the mail is on its way; the record may count as handled only then. */
  async send(mail: Mail): Promise<void> {
    this.#file ??= open(this.path, 'a');
    const file = await this.#file;
    // One write for the whole line: other shards write to the same file, and a kill must not leave half a mail.
    await file.appendFile(`${JSON.stringify(mail)}\n`);
  }

  /** Called by the container when the worker has ended. */
  async dispose(): Promise<void> {
    const file = await this.#file;
    await file?.close();
  }
}
