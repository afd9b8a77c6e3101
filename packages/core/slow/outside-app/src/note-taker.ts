/** A consumer as a newcomer's first one: a DTO, an injected service, compiled by plain tsc. */
import { appendFileSync } from 'node:fs';
import { CheckpointPolicy, KinesisConsumer, OnRecord, singleton, type RecordContext } from '@millrace/core';
import { IsString } from 'class-validator';

export class Note {
  @IsString()
  text!: string;
}

@singleton()
export class Notebook {
  write(line: string): void {
    appendFileSync('notes.txt', `${line}\n`);
  }
}

@KinesisConsumer('notes', 'note-taker')
@CheckpointPolicy('batch')
export class NoteTaker {
  constructor(private readonly notebook: Notebook) {}

  @OnRecord({ schema: Note })
  take(note: Note, { record }: RecordContext): void {
    this.notebook.write(`${record.id} ${note.text}`);
  }
}
