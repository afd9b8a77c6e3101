/** What a handler saw, told to the driver at the end: it compares that with what it sent. */
const { writeFileSync } = require('node:fs');

class Seen {
  records = 0;
  bytes = 0;
  sum = 0;

  take(bytes) {
    this.records += 1;
    this.bytes += bytes.length;
    this.sum += bytes[0] + bytes[bytes.length - 1];
  }

  /** An order that was parsed; one of its fields is read as a handler would. */
  takeOrder(order, bytes) {
    if (order.userId < 0) throw new Error('No user.');
    this.take(bytes);
  }

  report() {
    const { records, bytes, sum } = this;
    const gc = globalThis.benchGc?.();
    writeFileSync(
      process.env.BENCH_REPORT,
      JSON.stringify({ records, bytes, sum, importMs: globalThis.benchImportMs, ...gc }),
    );
  }
}

module.exports = { Seen };
