/** What a transcript has of a session, in the order in which it was said. One line of JSON each. */
export type TranscriptEntry = {
  /** Milliseconds since the session was opened. */
  readonly atMs: number;
  readonly dir: 'daemon' | 'worker';
} & (
  | {
      /** A message without its line feed; payloads are zeros of the same length, partition keys are hashes. */
      readonly line: string;
    }
  | {
      /** It could not be read, so what in it is a payload is not known, and nothing of it is kept. */
      readonly unreadableBytes: number;
    }
  | {
      /** Nothing follows. */
      readonly end: string;
    }
);
