/** A guarantee of Millrace that a history breaks. */

export type InvariantId = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I12';

export interface Violation {
  readonly invariant: InvariantId;
  /** What happened and must not; ids of records stand in it as they are. */
  readonly what: string;
  readonly shardId: string;
  readonly recordId: string | undefined;
  /** The likely cause, in plain words. */
  readonly cause: string;
  /** The entry of the history that breaks it, by its index. */
  readonly at: number;
}

/** What each invariant promises, for the first line of a report. */
export const INVARIANTS: Readonly<Record<InvariantId, string>> = {
  I1: 'a checkpoint never covers a record that was not settled before the checkpoint was asked for',
  I2: 'records of one key run one after the other, in their order, each to its end',
  I3: 'no handler starts once the lease is in doubt, the session drains (but with what had gathered), or it has ended',
  I4: 'checkpoints increase, except for the repetition of one that failed',
  I5: 'every action gets exactly one status, once all its work is done',
  I6: 'nothing but protocol messages reaches the daemon',
  I7: 'one checkpoint is in flight at a time, and none while the daemon takes none',
  I8: 'a shard is ended only when every record of it is settled and its end is stored',
  I9: 'a parked record is in the dead-letter sink before a checkpoint covers it',
  I10: 'a handler gets the key and the bytes that were delivered, at every attempt',
  I12: 'no checkpoint is asked for once the lease is in doubt',
};

/** Consumers cannot cause it: the runtime decides alone. */
export const OUR_FAULT = 'this is decided by Millrace alone: please report it with this timeline';
