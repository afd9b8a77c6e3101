/** The emulators of `millrace dev`: each started for the first worker that needs it, and kept while workers come and go. */
import { startDynamoDbLocal } from '../../daemon/dynamo-db-local.js';
import { findJava } from '../../daemon/find-java.js';
import { startEmulator, type Emulator } from '../../local/emulator.js';
import type { EmulatorProcess } from '../../local/emulator-process.js';
import { stderrLogger } from '../../process-ports.js';
import type { Terminal } from '../terminal.js';
import type { DevEvent, EmulatorPlaces, EmulatorsNeeded } from './dev-events.js';

export class DevEmulators {
  private kinesis: Promise<Emulator> | undefined;
  private dynamoDb: Promise<EmulatorProcess> | undefined;

  constructor(
    private readonly options: { readonly region: string | undefined },
    private readonly terminal: Terminal,
    private readonly emit: (event: DevEvent) => void,
  ) {}

  /** @throws MillraceError DEPENDENCY_MISSING, EMULATOR_FAILED; for DynamoDB Local JAVA_UNUSABLE, too. */
  async provide(needed: EmulatorsNeeded): Promise<EmulatorPlaces> {
    if (needed.dynamoDb) this.dynamoDb ??= this.startDynamoDb();
    if (needed.kinesis) this.kinesis ??= this.startKinesis();
    const [kinesis, dynamoDb] = await Promise.all([
      needed.kinesis ? this.kinesis : undefined,
      needed.dynamoDb ? this.dynamoDb : undefined,
    ]);
    return {
      kinesis: kinesis === undefined ? undefined : { endpoint: kinesis.endpoint, region: this.regionOf(kinesis) },
      dynamoDb: dynamoDb?.endpoint,
    };
  }

  async stop(): Promise<void> {
    // One that did not start has nothing to stop.
    const stopOne = async (starting: Promise<EmulatorProcess> | undefined): Promise<void> =>
      (await starting?.catch(() => undefined))?.stop();
    await Promise.all([stopOne(this.kinesis), stopOne(this.dynamoDb)]);
  }

  /** The emulator keeps the streams of each region apart; `millrace put` looks where the environment says. */
  private regionOf({ region }: Emulator): string {
    return this.options.region ?? this.terminal.env['AWS_REGION'] ?? region;
  }

  private async startKinesis(): Promise<Emulator> {
    const emulator = await startEmulator({ streams: [], logger: stderrLogger(this.terminal.env) });
    this.emit({ kind: 'emulatorStarted', endpoint: emulator.endpoint });
    return emulator;
  }

  private async startDynamoDb(): Promise<EmulatorProcess> {
    const java = await findJava(this.terminal.env);
    const emulator = await startDynamoDbLocal(java);
    this.emit({ kind: 'dynamoDbStarted', endpoint: emulator.endpoint });
    return emulator;
  }
}
