/** Medians and quartiles; ratios of what was measured in the same round. */

function quantile(values, part) {
  const sorted = values.toSorted((left, right) => left - right);
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export const median = (values) => quantile(values, 0.5);

/** Median, quartiles, and how many values they are of. */
export function spread(values) {
  return {
    median: median(values),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    n: values.length,
  };
}

/** Each value over the other's of the same round. */
export function ratios(values, others) {
  return spread(values.map((value, round) => value / others[round]));
}

/** In another order each time: who runs after whom must not decide. */
export function shuffled(list) {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
