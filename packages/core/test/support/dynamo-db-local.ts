/** DynamoDB Local on the Java of this machine. */
import { startDynamoDbLocal } from '../../src/daemon/dynamo-db-local.js';
import { findJava } from '../../src/daemon/find-java.js';
import type { EmulatorProcess } from '../../src/local/emulator-process.js';

export type DynamoDbLocal = EmulatorProcess;

export async function startDynamoDb(): Promise<DynamoDbLocal> {
  return startDynamoDbLocal(await findJava(process.env));
}
