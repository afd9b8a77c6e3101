// fake-mailer.ts
export class FakeMailer {
  readonly sent: string[] = [];
  /** The next calls that fail. */
  failures = 0;

  async send(_to: string, orderId: string): Promise<void> {
    if (this.failures-- > 0) throw new Error('the mail server is away');
    this.sent.push(orderId);
  }
}
