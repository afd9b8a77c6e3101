/**
 * Bugs that the simulator has to find, each as a change of one place in the sources. What a checker cannot see here it could
 * not see in our own changes either.
 */
import type { Patch } from './build.js';

export interface Canary extends Patch {
  readonly name: string;
  /** What the unchanged sources must have reached, or the search says nothing: names of situations. */
  readonly needs: readonly string[];
}

const R = 'runtime/';

export const canaries: readonly Canary[] = [
  {
    name: 'a record whose handler threw counts as handled',
    file: `${R}record-runner.ts`,
    find: 'return this.#threw(slot, ready, { error: result.error, turn });',
    replace: "this.#endings.settle(slot, 'handled'); return undefined;",
    needs: ['advance with failed records'],
  },
  {
    name: 'the watermark jumps over a record that is not settled',
    file: 'policy/watermark.ts',
    find: 'slot?.settled === true; slot = slots[head]',
    replace: 'slot?.settled === true || slots[head + 1]?.settled === true; slot = slots[head]',
    needs: ['advance with handlers side by side'],
  },
  {
    name: 'a delivery is acknowledged while its records run',
    file: `${R}shard-work.ts`,
    find: '    await this.#running?.runner.run(slots, this.#lastBatch);',
    replace: '    void this.#running?.runner.run(slots, this.#lastBatch);',
    needs: ['deliver while running'],
  },
  {
    name: 'an action is acknowledged twice',
    file: 'protocol/shard-session.ts',
    find: "      return { state: { kind: 'idle', ledger }, outputs: [status] };",
    replace: "      return { state: { kind: 'idle', ledger }, outputs: [status, status] };",
    needs: ['deliver while ready'],
  },
  {
    name: 'an action is never acknowledged',
    file: 'protocol/shard-session.ts',
    find: "      return { state: { kind: 'idle', ledger }, outputs: [status] };",
    replace:
      "      return { state: { kind: 'idle', ledger }, outputs: ledger.delivered === undefined ? [status] : [] };",
    needs: ['advance while ready'],
  },
  {
    name: 'two records of one key run side by side',
    file: `${R}lanes.ts`,
    find: '    const waiting = this.#lanes.get(key);',
    replace: '    const waiting = undefined as Lane | undefined;',
    needs: ['advance with handlers side by side'],
  },
  {
    name: 'a retry of a key starts behind its successor',
    file: `${R}lanes.ts`,
    find: '    else this.#offer(lane);\n    turn.yield();',
    replace: '    else { lane.entries.reverse(); this.#offer(lane); }\n    turn.yield();',
    needs: ['advance with handlers side by side'],
  },
  {
    name: 'checkpoints go on after doubt',
    file: `${R}checkpointer.ts`,
    find: "      if (doubt.aborted) return { kind: 'leaseLost' };",
    replace: '',
    needs: ['doubt while running', 'leaseLost while running'],
  },
  {
    name: 'ShutdownException counts as an error that may pass',
    file: 'protocol/checkpoint-rules.ts',
    find: "  if (error === 'ShutdownException') return { kind: 'leaseLost', error };",
    replace: '',
    needs: ['checkpointErrors while running', 'lose while shards are read'],
  },
  {
    name: 'a failed checkpoint counts as written',
    file: 'protocol/checkpoint-rules.ts',
    find: "  return hopeless && action !== 'shardEnded' ? { kind: 'refused', error } : { kind: 'retryable', error };",
    replace: "  return hopeless && action !== 'shardEnded' ? { kind: 'refused', error } : { kind: 'ok' };",
    needs: ['checkpointErrors while running', 'storeFailures while shards are read'],
  },
  {
    name: 'the end of a shard does not wait for what is not settled',
    file: `${R}shard-end.ts`,
    find: "    if (!(await settled())) return this.#never('not all of its records were settled');",
    replace: '',
    needs: ['shardEnd with deferred records', 'shardEnd while running'],
  },
  {
    name: 'the end of a shard is not checkpointed',
    file: `${R}shard-end.ts`,
    find: '    const written = await checkpointer.writeShardEnd((error) =>',
    replace: '    const written = ((_: (error: Error) => void): boolean => true)((error) =>',
    needs: ['heal while ready'],
  },
  {
    name: 'the hook of the shard end is left out',
    file: `${R}shard-end.ts`,
    find: "    if (!(await this.#runHook())) return this.#never('its hook did not complete');",
    replace: '',
    needs: ['shardEnd while ready'],
  },
  {
    name: 'a record is parked before the sink has it',
    file: `${R}parking.ts`,
    find: '      if (error === undefined) {',
    replace: '      if (error === undefined || failures > 0) {',
    needs: ['sinkFailures while ready'],
  },
  {
    name: 'more is in flight than the window allows',
    file: `${R}window.ts`,
    find: '    return order - (watermark.oldest?.order ?? order) < limit;',
    replace: '    return order - (watermark.oldest?.order ?? order) < limit + 1;',
    needs: ['deliver with handlers side by side', 'deliver with deferred records'],
  },
  {
    name: 'a record that is given up counts as handled',
    file: `${R}record-runner.ts`,
    find: "        this.#endings.abandon(slot, 'its handler was still running when the session ended');",
    replace: "        this.#endings.settle(slot, 'handled');",
    needs: ['leaseLost while running', 'drain while running'],
  },
  {
    name: 'a checkpoint leaves the sub-sequence number out',
    file: 'protocol/encoder.ts',
    find: '"subSequenceNumber":${target.subSequenceNumber}',
    replace: '"subSequenceNumber":0',
    needs: ['deliver while ready'],
  },
  {
    name: 'a run is over when its time is, and the next one starts beside it',
    file: `${R}attempt.ts`,
    find: '    this.#lazySignal().abort(this.#timedOut);\n',
    replace: '    this.#lazySignal().abort(this.#timedOut); this.escape(this.#timedOut);\n',
    needs: ['advance while running'],
  },
  {
    name: 'a deferred record settles when its handler returns',
    file: `${R}deferrals.ts`,
    find: "    slot.phase = 'deferred';\n",
    replace: '',
    needs: ['advance with deferred records'],
  },
  {
    name: 'what is delivered again runs again',
    file: 'policy/watermark.ts',
    find: "    if (!this.#isNew(slot)) return this.#waitingAt(slot) ?? 'settled';\n",
    replace: '',
    needs: ['deliver while running', 'deliver while ready'],
  },
  {
    name: 'successors of a parked key run',
    file: `${R}ending.ts`,
    find: "    if (deadLetter?.sameKey === 'hold') this.#parkedKeys.add(orderKey(slot));\n",
    replace: '',
    needs: ['deliver with failed records'],
  },
  {
    name: 'handlers start after a drain',
    file: `${R}in-order.ts`,
    find: '      if (!life.accepting) {',
    replace: '      if (life.inDoubt) {',
    needs: ['drain while running', 'drain while ready'],
  },
  {
    name: 'a lane goes on after a drain',
    file: `${R}record-runner.ts`,
    find: '      if (!this.#parts.life.accepting) {',
    replace: '      if (this.#parts.life.inDoubt) {',
    needs: ['drain with failed records'],
  },
  {
    name: 'the circuit breaker opens and nobody heeds it',
    file: `${R}circuit-breaker.ts`,
    find: '!mayStart(this.#state, this.policy, this.#clock.monotonicMs())) return undefined;',
    replace: 'false) return undefined;',
    needs: ['deliver with an open breaker'],
  },
  {
    name: 'a record of which the process died runs beside others again',
    file: `${R}flights.ts`,
    find: "    return this.isCareful(slot) && !this.#survivors.has(slot) && verdictOn(slot, this.#suspects) === 'suspect';",
    replace: '    return false;',
    needs: ['deliver while ready'],
  },
  {
    name: 'an old context declares records under manual',
    file: `${R}record-runner.ts`,
    find: "      if (slot.phase === 'failed' || slot.attempts !== attempt) throw contextExpired(slot.record.id);\n",
    replace: '',
    needs: ['staleContext with failed records'],
  },
  {
    name: 'an item that a batch handler marked counts as handled',
    file: `${R}batch-run.ts`,
    find: '      if (!slot.closed && !failures.has(slot)) failures.set(slot, toError(error));\n    },',
    replace: '      void error;\n    },',
    needs: ['advance with failed records'],
  },
  {
    name: 'a strict batch settles what stands behind a failed item',
    file: `${R}batch-runner.ts`,
    find: '        cut = strict;',
    replace: '        cut = false;',
    needs: ['advance with failed records'],
  },
  {
    name: 'two batches run side by side',
    file: `${R}gathered-batches.ts`,
    find: '    if (this.#running) return;\n',
    replace: '',
    needs: ['advance while running'],
  },
  {
    name: 'what fails twice is skipped where it has to be held',
    file: `${R}ending.ts`,
    find: '        if (!retryable) return this.#holdForGood(end);\n',
    replace: "        if (!retryable) return Promise.resolve(this.settle(slot, 'skipped', error));\n",
    needs: ['advance while held'],
  },
  {
    name: 'an operator has a deferred record run again behind its successors',
    file: `${R}orders.ts`,
    find: "    if (refused !== undefined) return Promise.resolve({ kind: 'refused', text: refused });\n",
    replace: '    void refused;\n',
    needs: ['order with deferred records', 'order while held'],
  },
  {
    name: 'two checkpoints are in flight',
    file: 'protocol/shard-session.ts',
    find: "      if (refusal !== undefined) return reject(state, 'checkpoint', refusal);\n      return {\n        state: { ...state, kind: 'checkpointing', target },",
    replace:
      "      if (refusal !== undefined) return reject(state, 'checkpoint', refusal);\n      return {\n        state: { ...state, kind: 'working' },",
    needs: ['advance while running'],
  },
  {
    name: 'a child shard is read before its parent has ended',
    file: 'local/lease-plan.ts',
    find: "    return lease !== undefined && lease !== 'SHARD_END';\n  };\n  const listed",
    replace:
      "    return lease !== undefined && lease !== 'SHARD_END' && !(shards.find((one) => one.shardId === shardId)?.closed ?? false);\n  };\n  const listed",
    needs: ['reshard while shards are read'],
  },
  {
    name: 'a worker that starts anew begins behind its checkpoint',
    file: 'local/lease-plan.ts',
    find: "      return { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: lease.sequenceNumber };",
    replace: "      return { kind: 'LATEST' };",
    needs: ['kill with unsettled records'],
  },
];
