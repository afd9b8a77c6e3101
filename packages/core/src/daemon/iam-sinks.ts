/** What a consumer's dead-letter sinks need to start and to write. Reading back and removing is for people, not for the worker. Pure. */
import type { ConsumerDefinition } from '../definition/definition.js';
import { describedSinks } from '../definition/described-sinks.js';
import type { ParkedPlace, S3Place } from '../definition/parked-place.js';
import { partitionOf, type ArnPlace, type PolicyStatement } from './iam-statement.js';

type Unnamed = Omit<PolicyStatement, 'Effect'>;

/** @param home - where the consumer's stream is: sinks are there unless they say otherwise. */
export function sinkStatements(definition: ConsumerDefinition, home: ArnPlace): readonly PolicyStatement[] {
  const places = [...describedSinks(definition)].flatMap(({ place }) => (place === undefined ? [] : [place]));
  const wanted = places.flatMap((place) => statementsOf(place, home));
  const distinct = [...new Map(wanted.map((statement) => [JSON.stringify(statement), statement])).values()];
  return distinct.map(({ Sid, ...rest }, index) => {
    const same = distinct.slice(0, index).filter((earlier) => earlier.Sid === Sid).length;
    return { Sid: same === 0 ? Sid : `${Sid}${same + 1}`, Effect: 'Allow', ...rest };
  });
}

function statementsOf(place: ParkedPlace, home: ArnPlace): readonly Unnamed[] {
  switch (place.kind) {
    case 'file':
      return [];
    case 's3':
      return bucketStatements(place, home);
    case 'sqs':
      return [
        {
          Sid: 'ParkInQueue',
          Action: ['sqs:GetQueueAttributes', 'sqs:SendMessage'],
          Resource: queueArn(place.queueUrl, inRegion(place.region, home)),
        },
        ...overflowStatements(place.overflow, home),
      ];
    case 'kinesis':
      return [
        {
          Sid: 'ParkInStream',
          Action: ['kinesis:DescribeStreamSummary', 'kinesis:PutRecord'],
          Resource: streamArn(place.streamName, inRegion(place.region, home)),
        },
        ...overflowStatements(place.overflow, home),
      ];
    default:
      return place satisfies never;
  }
}

function overflowStatements(overflow: S3Place | undefined, home: ArnPlace): readonly Unnamed[] {
  return overflow === undefined ? [] : bucketStatements(overflow, home);
}

function bucketStatements({ bucket, prefix, region }: S3Place, home: ArnPlace): readonly Unnamed[] {
  const arn = `arn:${inRegion(region, home).partition}:s3:::${bucket}`;
  return [
    { Sid: 'FindBucketOfParked', Action: ['s3:ListBucket'], Resource: arn },
    { Sid: 'ParkInBucket', Action: ['s3:PutObject'], Resource: `${arn}/${prefix}*` },
  ];
}

/** https://sqs.eu-west-1.amazonaws.com/123456789012/orders-parked */
function queueArn(queueUrl: string, place: ArnPlace): string {
  const url = URL.canParse(queueUrl) ? new URL(queueUrl) : undefined;
  const [, account, name = queueUrl] = url?.pathname.split('/') ?? [];
  const region = /^sqs\.([a-z\d-]+)\.amazonaws\./.exec(url?.hostname ?? '')?.[1] ?? place.region;
  return `arn:${partitionOf(region)}:sqs:${region}:${account ?? place.account}:${name}`;
}

function streamArn(stream: string, { partition, region, account }: ArnPlace): string {
  return stream.startsWith('arn:') ? stream : `arn:${partition}:kinesis:${region}:${account}:stream/${stream}`;
}

function inRegion(region: string | undefined, home: ArnPlace): ArnPlace {
  return region === undefined ? home : { ...home, region, partition: partitionOf(region) };
}
