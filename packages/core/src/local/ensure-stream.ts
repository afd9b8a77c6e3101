/** Makes a stream at an emulator, so that the first start on a fresh machine needs no other tool. */
import { MillraceError, toError } from '../errors.js';
import { clientConfig, type KinesisConnection } from './kinesis-api.js';

export interface StreamPlan {
  readonly name: string;
  /** Used when the stream is made; one that exists keeps its shards. */
  readonly shards: number;
}

const READY_WITHIN_MS = 10_000;
const POLL_MS = 50;

/**
 * Creates a stream where none of this name exists, and waits until it can be read.
 *
 * @throws MillraceError with code EMULATOR_FAILED when it does not become active within 10 seconds.
 */
export async function ensureStream(connection: KinesisConnection, plan: StreamPlan): Promise<'created' | 'existed'> {
  const sdk = await import('@aws-sdk/client-kinesis');
  const client = new sdk.KinesisClient({ ...(await clientConfig(connection)), maxAttempts: 3 });
  try {
    const made = await client
      .send(new sdk.CreateStreamCommand({ StreamName: plan.name, ShardCount: plan.shards }))
      .then(
        () => 'created' as const,
        (error: unknown) => {
          if (error instanceof sdk.ResourceInUseException) return 'existed' as const;
          throw error;
        },
      );
    await untilActive(plan.name, async () => {
      const { StreamDescriptionSummary } = await client.send(
        new sdk.DescribeStreamSummaryCommand({ StreamName: plan.name }),
      );
      return StreamDescriptionSummary?.StreamStatus;
    });
    return made;
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError(
      'EMULATOR_FAILED',
      `Stream "${plan.name}" cannot be created at ${connection.endpoint ?? 'AWS'}: ${toError(cause).message}.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}

async function untilActive(name: string, status: () => Promise<string | undefined>): Promise<void> {
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  for (let last = await status(); last !== 'ACTIVE'; last = await status()) {
    if (deadline.aborted)
      throw new MillraceError(
        'EMULATOR_FAILED',
        `Stream "${name}" is still ${last ?? 'unknown'} after ${READY_WITHIN_MS} ms.`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
