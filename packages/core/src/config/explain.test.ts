import { describe, expect, it } from 'vitest';
import { describeProperties, formatProperties } from './explain.js';
import { parseProperties } from './properties-text.js';
import { resolveScenario } from './resolve.fixture.js';

describe('the effective file', () => {
  it('shows every value with its origin, what Millrace keeps, and the notices', () => {
    const resolved = resolveScenario({
      declared: { hosts: 2 },
      text: 'workerId=host-1\nprocessingLanguage=nodejs\n',
      env: { MILLRACE_MAX_RECORDS: '7' },
      options: { regionName: 'eu-west-1' },
    });

    expect(formatProperties(resolved)).toBe(`# OrderMailer: properties for the MultiLangDaemon of KCL 3.1.3
# What is not listed is left to KCL. executableName and, unless given, workerId are set when a daemon is started.

# declared: @KinesisConsumer
streamName=orders

# declared: @KinesisConsumer
applicationName=order-mailer

# properties file: app.properties:1
workerId=host-1

# properties file: app.properties:2
processingLanguage=nodejs

# Millrace's default
shutdownGraceMillis=25000

# Millrace's default
AwsCredentialsProvider=DefaultCredentialsProvider

# given to the run: run()
regionName=eu-west-1

# Millrace's default
initialPositionInStream=TRIM_HORIZON

# Millrace's default
retrievalMode=POLLING

# environment: MILLRACE_MAX_RECORDS
maxRecords=7

# Millrace's default
callProcessRecordsEvenForEmptyRecordList=true

# Millrace's default
leaseAssignmentIntervalMillis=5000

# Millrace's default
shardSyncIntervalMillis=1000

# Millrace's default
logWarningForTaskAfterMillis=60000

# Millrace's default
metricsLevel=SUMMARY

# Kept by Millrace, not read by the daemon:
#   validateSequenceNumberBeforeCheckpointing = true (Millrace's default)
#   decode = json (Millrace's default)
#   isolation = shared (Millrace's default)
#   hosts = 2 (declared: @KinesisConsumer)
#   maxInFlight = 10000 (Millrace's default)
#   suspectRecords = true (Millrace's default)
#   lineBytesMax = 419430400 (Millrace's default)

# [NO_EFFECT] processingLanguage = nodejs (app.properties:2) is accepted. KCL 3 logs it and does nothing with it.
`);
  });

  it('can be loaded as it stands, whatever is in the names around it', () => {
    const resolved = resolveScenario({
      definition: { name: 'Mailer\nexecutableName=evil' },
      optionsSource: 'run()\rexecutableName=evil',
      options: { workerId: 'Ä', 'kinesisClient.a': ' b' },
    });

    const { entries } = parseProperties(formatProperties(resolved));

    expect(entries.map(({ name, value }) => [name, value])).toEqual(
      resolved.properties.map(({ name, value }) => [name, value]),
    );
  });
});

describe('the same as data', () => {
  it('has the properties, the options and the notices', () => {
    const resolved = resolveScenario();

    expect(JSON.parse(JSON.stringify(describeProperties(resolved)))).toEqual({
      consumer: 'OrderMailer',
      stream: 'orders',
      applicationName: 'order-mailer',
      kcl: '3.1.3',
      properties: resolved.properties,
      options: resolved.options,
      notices: [],
    });
  });
});
