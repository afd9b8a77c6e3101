/** From where a sink parks to something that can be read. */
import type { ParkedPlace } from '../definition/parked-place.js';
import { MillraceError } from '../errors.js';
import { openFileSource } from './file-source.js';
import type { ParkedSource, SourcePorts } from './parked-source.js';
import { openS3Source } from './s3-source.js';
import { openSqsSource } from './sqs-source.js';

/** @throws MillraceError REPLAY_FAILED for a place that is only written, DEPENDENCY_MISSING. */
export function openParkedSource(place: ParkedPlace, ports: SourcePorts): Promise<ParkedSource> {
  switch (place.kind) {
    case 'file':
      return Promise.resolve(openFileSource(place.directory, ports));
    case 's3':
      return openS3Source(place, ports);
    case 'sqs':
      return openSqsSource(place, ports);
    case 'kinesis':
      return Promise.reject(
        new MillraceError(
          'REPLAY_FAILED',
          `Nothing can be taken out of the stream ${place.streamName} again; read it with a consumer of its own.`,
        ),
      );
    default:
      return place satisfies never;
  }
}
