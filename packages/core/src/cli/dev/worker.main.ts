/** Entry point of the worker that `millrace dev` starts as a process of its own. */
import { interceptExit } from '../../transport/stdout-guard.js';
import { ParentLink } from './parent-link.js';
import { serveWorker } from './serve-worker.js';

// Ours, taken before the user's can throw.
const exit = process.exit.bind(process);
interceptExit();
const link = new ParentLink(process);
exit(await serveWorker(link));
