/** A module that is no file, for Node's option `--import`. */
export function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
