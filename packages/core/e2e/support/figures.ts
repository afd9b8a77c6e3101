/** Time limits of the suites, and what was measured against them. */

/**
 * The limits hold on a quiet machine. These suites share two cores with emulators, Java and each other, so a limit is
 * asserted with this factor; what was measured is printed. MILLRACE_E2E_NOISE=1 asserts the limits themselves.
 */
const NOISE = 3;

/**
 * A limit with room for a machine that does other things as well.
 *
 * @param factor - more for what starts Java, which takes all of such a machine's processors for seconds.
 */
export function roomy(limitMs: number, factor = NOISE): number {
  const asked = process.env['MILLRACE_E2E_NOISE'];
  return limitMs * (asked === undefined ? factor : Number(asked));
}

export function report(what: string, figures: Readonly<Record<string, number | string>>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.info(`[measured] ${what}: ${text.join(', ')}`);
}
