/** Which Kinesis and which DynamoDB each consumer uses: what was named for it, else an emulator, which is started only then. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { dynamoEndpoint, kinesisEndpoint } from '../../daemon/aws-clients.js';
import type { ConsumerOptions } from '../../definition/consumer-options.js';
import type { ConsumerDefinition } from '../../definition/definition.js';
import { resolveConsumers } from '../../resolve-consumers.js';
import { untilAborted } from '../../runtime/race.js';
import type { WorkerOptions } from '../../worker-options.js';
import { daemonPreset } from './daemon-preset.js';
import type { DevRequest, EmulatorPlaces, EmulatorsNeeded } from './dev-events.js';
import type { ParentLink } from './parent-link.js';

export interface PlacePlan {
  readonly options: WorkerOptions;
  readonly consumers: readonly ResolvedConsumer[];
  /** Application names of those that read the emulator. */
  readonly onEmulator: ReadonlySet<string>;
  /** Of those whose tables are in the DynamoDB that was started for them. */
  readonly ownTables: ReadonlySet<string>;
}

/** Undefined: the parent wants the end. */
export async function planPlaces(
  definitions: readonly ConsumerDefinition[],
  request: DevRequest,
  link: ParentLink,
): Promise<PlacePlan | undefined> {
  const { engine, propertiesFile } = request;
  const base: WorkerOptions = { engine, ...(propertiesFile === undefined ? {} : { propertiesFile }) };
  const resolve = (options: WorkerOptions) => resolveConsumers(definitions, options, { env: process.env, engine });
  const declared = await resolve(withOptions(base, definitions, () => given(request)));
  const needs = new Map(declared.map((consumer) => [consumer.definition, needsOf(consumer, engine)]));
  const places = await askForPlaces([...needs.values()], link);
  if (places === undefined) return undefined;
  const optionsOf = new Map(
    declared.map((consumer) => {
      const needed = needsOf(consumer, engine);
      const preset = engine === 'daemon' ? daemonPreset(consumer, needed.dynamoDb) : {};
      return [consumer.definition, { ...preset, ...given(request), ...placeOptions(places, needed) }];
    }),
  );
  const options = withOptions(base, definitions, (definition) => optionsOf.get(definition) ?? {});
  const consumers = await resolve(options);
  const namesOf = (need: keyof EmulatorsNeeded): ReadonlySet<string> =>
    new Set(
      consumers
        .filter(({ definition }) => needs.get(definition)?.[need] === true)
        .map(({ applicationName }) => applicationName),
    );
  return { options, consumers, onEmulator: namesOf('kinesis'), ownTables: namesOf('dynamoDb') };
}

function needsOf(consumer: ResolvedConsumer, engine: DevRequest['engine']): EmulatorsNeeded {
  if (engine === 'local') return { kinesis: consumer.settings.kinesisEndpoint === undefined, dynamoDb: false };
  return { kinesis: kinesisEndpoint(consumer) === undefined, dynamoDb: dynamoEndpoint(consumer) === undefined };
}

const NOTHING: EmulatorPlaces = { kinesis: undefined, dynamoDb: undefined };

async function askForPlaces(needs: readonly EmulatorsNeeded[], link: ParentLink): Promise<EmulatorPlaces | undefined> {
  const kinesis = needs.some((need) => need.kinesis);
  const dynamoDb = needs.some((need) => need.dynamoDb);
  if (!kinesis && !dynamoDb) return NOTHING;
  const answer = link.next();
  await link.send({ kind: 'emulatorsNeeded', kinesis, dynamoDb });
  // Emulators take seconds to start, and the SDK a part of one to load.
  await Promise.all([import('@aws-sdk/client-kinesis'), dynamoDb ? import('@aws-sdk/client-dynamodb') : undefined]);
  const places = await untilAborted(answer, link.stop);
  return places.kind === 'aborted' || places.value.kind !== 'emulators' ? undefined : places.value;
}

/** From the command line: counts for every consumer. */
function given({ endpoint, dynamoDbEndpoint, region }: DevRequest): ConsumerOptions {
  return {
    ...(endpoint === undefined ? {} : { kinesisEndpoint: endpoint }),
    ...(dynamoDbEndpoint === undefined ? {} : { dynamoDBEndpoint: dynamoDbEndpoint }),
    ...(region === undefined ? {} : { regionName: region }),
  };
}

function placeOptions({ kinesis, dynamoDb }: EmulatorPlaces, needed: EmulatorsNeeded): ConsumerOptions {
  return {
    ...(needed.kinesis && kinesis !== undefined
      ? { kinesisEndpoint: kinesis.endpoint, regionName: kinesis.region }
      : {}),
    ...(needed.dynamoDb && dynamoDb !== undefined ? { dynamoDBEndpoint: dynamoDb } : {}),
  };
}

/** As `run` takes them: of one consumer its own, of several by application name. */
function withOptions(
  options: WorkerOptions,
  definitions: readonly ConsumerDefinition[],
  optionsOf: (definition: ConsumerDefinition) => ConsumerOptions,
): WorkerOptions {
  const [only, ...others] = definitions;
  if (only !== undefined && others.length === 0) return { ...options, properties: optionsOf(only) };
  return {
    ...options,
    properties: Object.fromEntries(
      definitions.map((definition) => [definition.applicationName, optionsOf(definition)]),
    ),
  };
}
