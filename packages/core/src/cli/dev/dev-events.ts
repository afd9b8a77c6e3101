/** What `millrace dev` tells its views, and what passes between it and the worker it starts. Plain data: it crosses a process border. */
import type { ErrorData, PlainSessionEvent } from '../../runtime/plain-event.js';

export interface ConsumerFacts {
  readonly consumer: string;
  readonly applicationName: string;
  readonly stream: string;
  /** Undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

/** What the worker's process tells. */
export type WorkerEvent =
  | { readonly kind: 'consumersLoaded'; readonly consumers: readonly ConsumerFacts[]; readonly graceMs: number }
  | { readonly kind: 'streamReady'; readonly stream: string; readonly made: 'created' | 'existed' }
  /** Tables and leases of a daemon at a DynamoDB on this machine. */
  | {
      readonly kind: 'tablesReady';
      readonly applicationName: string;
      /** `left` to the worker, which then needs longer for its start. */
      readonly leases: 'written' | 'kept' | 'left';
    }
  | { readonly kind: 'workerRunning' }
  | { readonly kind: 'session'; readonly event: PlainSessionEvent }
  /** The parent did not keep up; the totals of the next `progress` are right all the same. */
  | { readonly kind: 'eventsDropped'; readonly count: number }
  | { readonly kind: 'workerFailed'; readonly error: ErrorData; readonly text: string };

/** What the command tells its views. */
export type DevEvent =
  | WorkerEvent
  | { readonly kind: 'emulatorStarted'; readonly endpoint: string }
  | { readonly kind: 'dynamoDbStarted'; readonly endpoint: string }
  /** Made once for a Java and a list of jars; it takes a few seconds. */
  | { readonly kind: 'makingArchive' }
  /** The daemon starts without it, more slowly. */
  | { readonly kind: 'archiveFailed'; readonly why: string }
  | { readonly kind: 'workerStarted'; readonly pid: number }
  | { readonly kind: 'workerEnded'; readonly exitCode: number | undefined; readonly signal: string | undefined }
  | { readonly kind: 'fileChanged'; readonly file: string }
  | { readonly kind: 'waitingForChange' }
  | { readonly kind: 'stopping'; readonly why: string }
  | { readonly kind: 'killed'; readonly why: string };

/** What consumers need that name no endpoint of their own. */
export interface EmulatorsNeeded {
  readonly kinesis: boolean;
  readonly dynamoDb: boolean;
}

/** Where those are; undefined for what was not needed. */
export interface EmulatorPlaces {
  readonly kinesis: { readonly endpoint: string; readonly region: string } | undefined;
  readonly dynamoDb: string | undefined;
}

export type FromWorker = WorkerEvent | ({ readonly kind: 'emulatorsNeeded' } & EmulatorsNeeded);

export interface DevRequest {
  readonly engine: 'local' | 'daemon';
  readonly module: string;
  readonly cwd: string;
  readonly consumer: string | undefined;
  readonly propertiesFile: string | undefined;
  /** From the command line: counts for every consumer. */
  readonly endpoint: string | undefined;
  /** The same for the daemon's tables. */
  readonly dynamoDbEndpoint: string | undefined;
  readonly region: string | undefined;
  /** Of streams that are made. */
  readonly shards: number;
  readonly checkpointFile: string | undefined;
  /** For consumers that read the emulator: their checkpoints mean nothing after it. */
  readonly temporaryFolder: string;
  /** Events of single records as well. */
  readonly records: boolean;
  readonly verbose: boolean;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly request: DevRequest }
  | ({ readonly kind: 'emulators' } & EmulatorPlaces)
  /** An emulator did not start; the parent has said so. */
  | { readonly kind: 'stop' };
