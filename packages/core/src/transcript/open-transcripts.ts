/** The folder of transcripts: one file for each session. What cannot be written is not recorded; the session goes on. */
import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, toError } from '../errors.js';
import type { ByteChannel, Clock, Logger } from '../ports.js';
import { RecordingChannel, type RecordingOptions } from './recording-channel.js';

const HASH_CHARACTERS = 16;

export interface TranscriptsRequest {
  readonly folder: string;
  readonly applicationName: string;
  readonly lineBytesMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens the folder and gives what a session's channel is wrapped by. Keys are hashed with a secret that is gone with the
 * process: the same key has the same name in all transcripts of one process, and nobody finds it out by trying keys.
 *
 * @throws ConfigurationError when the folder cannot be made.
 */
export function openTranscripts(request: TranscriptsRequest): (sessionId: string, channel: ByteChannel) => ByteChannel {
  const { folder, applicationName, lineBytesMax, clock } = request;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const message = `The folder ${folder} cannot be made (${toError(error).message}). Name one that this user can write to, or leave the option out.`;
    throw new ConfigurationError([{ code: 'FOLDER_UNUSABLE', message, path: ['transcripts'] }]);
  }
  const secret = randomBytes(32);
  const hashKey = (key: string): string =>
    createHmac('sha256', secret).update(key).digest('base64url').slice(0, HASH_CHARACTERS);
  return (sessionId, channel) => {
    const parts = [applicationName, new Date(clock.now()).toISOString(), String(process.pid), sessionId];
    const path = join(folder, `${parts.map(encodeURIComponent).join('.')}.jsonl`);
    return new RecordingChannel(channel, { clock, lineBytesMax, hashKey, note: writerOf(path, request) });
  };
}

/** Written at once, and not queued: the last words of a process that is killed are what somebody looks for. */
function writerOf(path: string, { logger }: TranscriptsRequest): RecordingOptions['note'] {
  let file: number | undefined;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return (entry) => {
    try {
      // With its first message: a session that says nothing leaves no file.
      file ??= openSync(path, 'wx', 0o600);
      writeSync(file, `${JSON.stringify(entry)}\n`);
    } catch (error) {
      logger.warn({ err: toError(error), path }, 'The transcript of a session ends early: it cannot be written.');
      close();
      return false;
    }
    if (!('end' in entry)) return true;
    close();
    return false;
  };
}
