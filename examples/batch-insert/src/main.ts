import { PGlite } from '@electric-sql/pglite';
import { run } from '@millrace/core';
import { SCHEMA } from './ledger.js';
import { PaymentImporter } from './payment-importer.js';

await run(PaymentImporter, {
  register: async (container) => {
    const database = await PGlite.create(process.env['LEDGER_FOLDER'] ?? './ledger');
    await database.exec(SCHEMA);
    // What is registered here is closed by the worker, after its last session.
    container.register(PGlite, { useValue: database });
  },
});
