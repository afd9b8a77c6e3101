import { Mailer, type Mail } from '../mailer.js';

const FORGOTTEN = 3;

/** Says that it has sent its third mail, and has not: the mistake that only a comparison of the books can find. */
export class ForgetfulMailer extends Mailer {
  #confirmations = 0;

  override async send(mail: Mail): Promise<void> {
    if (mail.kind === 'confirmation') {
      this.#confirmations += 1;
      if (this.#confirmations === FORGOTTEN) return;
    }
    await super.send(mail);
  }
}
