// Makes the bundles of the packages, as `npm run build` does after the declarations.
import { setup } from './bundles.mjs';

await setup();
