/** A message without what belongs to the user: payloads become zeros of the same length, partition keys become hashes. */

/** @returns undefined for what is no JSON object: nobody knows what in it is a payload. */
export function redactLine(line: string, hashKey: (partitionKey: string) => string): string | undefined {
  const message = parse(line);
  if (message === undefined) return undefined;
  const records = message['records'];
  if (records === undefined) return line;
  if (!Array.isArray(records)) return undefined;
  return JSON.stringify({ ...message, records: records.map((record: unknown) => redactRecord(record, hashKey)) });
}

function redactRecord(record: unknown, hashKey: (partitionKey: string) => string): unknown {
  const { data, partitionKey, sequenceNumber, approximateArrivalTimestamp, subSequenceNumber, action } = Object(
    record,
  ) as Record<string, unknown>;
  // By name: a daemon that says more about a record than this one knows must not tell it here.
  return {
    data: typeof data === 'string' ? Buffer.alloc(Buffer.from(data, 'base64').length).toString('base64') : null,
    partitionKey: typeof partitionKey === 'string' ? hashKey(partitionKey) : null,
    sequenceNumber,
    approximateArrivalTimestamp,
    subSequenceNumber,
    action,
  };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message !== 'object' || message === null || Array.isArray(message)) return undefined;
    return message as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
