/** The part of Amazon's Node client (aws-kcl 2 and 3, which ship no types) that the adapter uses. */
declare module 'aws-kcl' {
  function kcl(
    processor: kcl.RecordProcessor,
    ...streams: [input: NodeJS.ReadableStream, output: NodeJS.WritableStream, error: NodeJS.WritableStream]
  ): kcl.KclProcess;

  namespace kcl {
    /** Amazon's documentation calls this the record processor. */
    interface RecordProcessor {
      initialize(input: object, complete: () => void): void;
      processRecords(input: object & { checkpointer: Checkpointer }, complete: () => void): void;
      leaseLost(input: object, complete: () => void): void;
      shardEnded(input: object & { checkpointer: Checkpointer }, complete: () => void): void;
      shutdownRequested(input: object & { checkpointer: Checkpointer }, complete: () => void): void;
    }

    interface Checkpointer {
      /** Without a sequence number: up to the end of what was delivered. */
      checkpoint(answered: CheckpointAnswered): void;
      checkpoint(sequenceNumber: string, answered: CheckpointAnswered): void;
    }

    /** `error` is the name of a Java class. */
    type CheckpointAnswered = (error: string | null | undefined, sequenceNumber: string | null) => void;

    interface KclProcess {
      run(): void;
      cleanup(): void;
    }
  }

  export = kcl;
}
