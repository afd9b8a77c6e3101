/** What the runtime and the engines need, out of the effective properties and options. */
import type { Decode } from '../definition/definition.js';
import type { EffectiveProperties } from './effective.js';
import { findOption } from './millrace-options.js';
import { findProperty } from './property-table.js';
import type { ConsumerSettings, DaemonSettings, InitialPosition } from './resolved.js';

export interface SettingsInputs {
  readonly properties: EffectiveProperties;
  readonly options: EffectiveProperties;
  /** As declared, because a function has no text. */
  readonly decode: unknown;
  readonly initialPosition: InitialPosition;
}

export function fillSettings({ properties, options, decode, initialPosition }: SettingsInputs): ConsumerSettings {
  const number = (name: string) => Number(textOf(properties, name));
  return {
    discriminator: options.get('discriminator')?.text,
    decode: toDecode(decode),
    validateSequenceNumber: textOf(properties, 'validateSequenceNumberBeforeCheckpointing') === 'true',
    heartbeat: textOf(properties, 'callProcessRecordsEvenForEmptyRecordList') === 'true',
    maxInFlight: Number(optionOf(options, 'maxInFlight')),
    suspectRecords: optionOf(options, 'suspectRecords') === 'true',
    lineBytesMax: Number(optionOf(options, 'lineBytesMax')),
    transcripts: optionOf(options, 'transcripts'),
    initialPosition,
    maxRecords: number('maxRecords'),
    idleTimeBetweenReadsMs: number('idleTimeBetweenReadsInMillis'),
    shardSyncIntervalMs: number('shardSyncIntervalMillis'),
    parentShardPollIntervalMs: number('parentShardPollIntervalMillis'),
    shutdownGraceMs: number('shutdownGraceMillis'),
    handoffTimeoutMs: number('gracefulLeaseHandoffTimeoutMillis'),
    failoverTimeMs: number('failoverTimeMillis'),
    taskBackoffTimeMs: number('taskBackoffTimeMillis'),
    logWarningForTaskAfterMs: number('logWarningForTaskAfterMillis'),
    regionName: properties.get('kinesisClient.region')?.text ?? properties.get('regionName')?.text,
    kinesisEndpoint: properties.get('kinesisEndpoint')?.text ?? properties.get('kinesisClient.endpointOverride')?.text,
    workerId: properties.get('workerId')?.text,
  };
}

export function fillDaemonSettings(options: EffectiveProperties): DaemonSettings {
  return {
    isolation: optionOf(options, 'isolation') === 'process' ? 'process' : 'shared',
    hosts: Number(optionOf(options, 'hosts')),
    heapMegabytes: optionalNumber(optionOf(options, 'heapMegabytes')),
  };
}

/** What counts: the effective value, or what KCL takes when its file has none. */
function textOf(properties: EffectiveProperties, name: string): string | undefined {
  return properties.get(name)?.text ?? findProperty(name)?.millraceDefault ?? findProperty(name)?.kclDefault;
}

function optionOf(options: EffectiveProperties, name: string): string | undefined {
  return options.get(name)?.text ?? findOption(name)?.default;
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function toDecode(decode: unknown): Decode {
  if (typeof decode === 'function') return decode as Exclude<Decode, string>;
  return decode === 'text' || decode === 'bytes' ? decode : 'json';
}
