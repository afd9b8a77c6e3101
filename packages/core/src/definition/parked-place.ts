/** Where a dead-letter sink parks, as plain data: the command line reads it back, and `millrace iam` asks for its permissions. */

export type ParkedPlace =
  | { readonly kind: 'file'; readonly directory: string }
  | S3Place
  /** `overflow`: where the entries are that no message could hold. */
  | (AwsPlace & { readonly kind: 'sqs'; readonly queueUrl: string; readonly overflow: S3Place | undefined })
  /** Written only: a stream has no way to take a record back out. */
  | (AwsPlace & { readonly kind: 'kinesis'; readonly streamName: string; readonly overflow: S3Place | undefined });

export interface S3Place extends AwsPlace {
  readonly kind: 's3';
  readonly bucket: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
}

/** How an AWS service is reached; credentials come from where every AWS SDK looks for them. */
export interface AwsPlace {
  /** Undefined: as the AWS SDK finds it. */
  readonly region: string | undefined;
  /** Undefined: AWS itself. */
  readonly endpoint: string | undefined;
}
