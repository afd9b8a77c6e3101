/** What policies are made of. */

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringEquals: { readonly 'cloudwatch:namespace': string } };
}

/** The place of a resource, in an ARN. */
export interface ArnPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
