/** Which stream and which application: several properties can say so, and one answer must come out. */
import type { Effective, EffectiveProperties } from './effective.js';
import type { Findings } from './issues.js';
import { quote } from './issues.js';
import { parseStreamArn } from './value.js';

export interface Identity {
  readonly stream: string;
  readonly applicationName: string;
}

export function resolveIdentity(effective: EffectiveProperties, findings: Findings): Identity {
  const stream = resolveStream(effective, findings);
  const application = effective.get('applicationName');
  if (application === undefined) reportMissing('applicationName', 'MILLRACE_APPLICATION_NAME', findings);
  else checkApplicationName(application, effective, findings);
  return { stream, applicationName: application?.text ?? '' };
}

/** What was given wrongly is not missing. */
function reportMissing(name: string, variable: string, findings: Findings): void {
  const names = name === 'streamName' ? [name, 'streamArn'] : [name];
  if (findings.issues.some((issue) => names.some((given) => issue.path.includes(given)))) return;
  findings.issue(
    'MISSING',
    name,
    `${name} is not given. Name it in the consumer's declaration, in run(), or by ${variable}.`,
  );
}

/** The stronger layer's name or ARN counts; the daemon itself would always take the ARN. */
function resolveStream(effective: EffectiveProperties, findings: Findings): string {
  const name = effective.get('streamName');
  const arn = effective.get('streamArn');
  const parsed = arn === undefined ? undefined : parseStreamArn(arn.text);
  if (arn === undefined || parsed === undefined) {
    if (name === undefined) reportMissing('streamName', 'MILLRACE_STREAM_NAME', findings);
    return name?.text ?? '';
  }
  if (name !== undefined && name.rank < arn.rank) {
    effective.delete('streamArn');
    return name.text;
  }
  if (name !== undefined && name.rank === arn.rank && name.text !== parsed.stream) {
    findings.issue(
      'ILLEGAL_COMBINATION',
      'streamArn',
      `streamName is ${quote(name.text)} (${name.source}) and streamArn names ${quote(parsed.stream)} (${arn.source}); the daemon would read the latter. Keep one.`,
    );
  }
  effective.set('streamName', { ...arn, text: parsed.stream });
  findings.notice(
    'STREAM_ARN_REDUCED',
    `streamArn (${arn.source}): the daemon keeps only the name ${parsed.stream}; it is read in the account of the credentials, which must be ${parsed.account}.`,
  );
  applyRegion(arn, parsed.region, { effective, findings });
  return parsed.stream;
}

/** The daemon would look for the ARN's stream in whatever region it has. */
function applyRegion(
  arn: Effective,
  region: string,
  { effective, findings }: { effective: EffectiveProperties; findings: Findings },
): void {
  const given = effective.get('regionName') ?? effective.get('kinesisClient.region');
  if (given === undefined) {
    effective.set('regionName', { ...arn, text: region });
  } else if (given.text !== region) {
    findings.issue(
      'ILLEGAL_COMBINATION',
      'streamArn',
      `The region is ${given.text} (${given.source}) and streamArn says ${region} (${arn.source}); the daemon would look for the stream in ${given.text}. Make them agree.`,
    );
  }
}

const METRICS_TABLE_SUFFIX = '-WorkerMetricStats';
const COORDINATOR_TABLE_SUFFIX = '-CoordinatorState';
const TABLE_NAME_MAX = 255;
const FANOUT_CONSUMER_NAME_MAX = 128;

/** The application's name becomes the name of up to three tables, and of the fan-out consumer. */
function checkApplicationName(name: Effective, effective: EffectiveProperties, findings: Findings): void {
  const limits: [number, string][] = [];
  if (!effective.has('workerMetricsTableName'))
    limits.push([TABLE_NAME_MAX - METRICS_TABLE_SUFFIX.length, `the table with ${METRICS_TABLE_SUFFIX} behind it`]);
  if (!effective.has('coordinatorStateTableName'))
    limits.push([
      TABLE_NAME_MAX - COORDINATOR_TABLE_SUFFIX.length,
      `the table with ${COORDINATOR_TABLE_SUFFIX} behind it`,
    ]);
  const ownConsumer = effective.has('fanoutConfig.consumerName') || effective.has('fanoutConfig.consumerArn');
  if (effective.get('retrievalMode')?.text === 'FANOUT' && !ownConsumer)
    limits.push([FANOUT_CONSUMER_NAME_MAX, 'the fan-out consumer']);
  for (const [max, what] of limits) {
    if (name.text.length <= max) continue;
    findings.issue(
      'BAD_APPLICATION_NAME',
      'applicationName',
      `applicationName (${name.source}) has ${name.text.length} characters, and ${what} takes ${max}. Shorten it, or give that its own name.`,
    );
  }
}
