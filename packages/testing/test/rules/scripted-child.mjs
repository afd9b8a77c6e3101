// A child of the daemon that is neither good nor bad: it does what a scenario says, also what no worker may do, and notes
// every line that it reads and writes. The same code serves a session in memory and, through scripted-child.main.mjs, a
// process of its own.

/** Where nothing is said: answer at once; the end of a shard wants its checkpoint. */
const OBEDIENT = { shardEnded: [[{ kind: 'checkpoint' }]] };

/** `world`: write(line), note(note), gate(name), pause(ms), die(), and scriptOf(shardId), asked once at initialize. */
export function scriptedChild(world) {
  /** Positions of the records that it has seen, by name. */
  const known = new Map();
  const times = new Map();
  const replies = [];
  let script = {};
  let turn = Promise.resolve();
  let asked = 0;
  let answered = 0;

  async function act({ action, records }) {
    const part = records?.length === 0 ? 'emptyBatch' : action;
    const nth = times.get(part) ?? 0;
    times.set(part, nth + 1);
    const deeds = script[part]?.[nth] ?? [];
    for (const deed of deeds) await perform(deed, action);
    if (!deeds.some(({ kind }) => kind === 'acknowledge' || kind === 'keepSilent')) acknowledge(action);
  }

  async function perform(deed, action) {
    switch (deed.kind) {
      case 'checkpoint':
        ask(deed.at);
        return reply();
      case 'ask':
        return ask(deed.at);
      case 'reply':
        return reply();
      case 'say':
        if (deed.asks === true) asked += 1;
        return write(deed.line);
      case 'acknowledge':
        return acknowledge(action);
      case 'keepSilent':
        return undefined;
      case 'hold':
        return world.gate(deed.until);
      case 'pause':
        return world.pause(deed.ms);
      case 'die':
        world.die();
        // Nothing comes after it.
        return new Promise(() => undefined);
      default:
        throw new Error(`A scenario wants ${JSON.stringify(deed)}.`);
    }
  }

  function ask(at) {
    asked += 1;
    write(JSON.stringify({ action: 'checkpoint', ...positionOf(known, at) }));
  }

  /** All that was asked is answered. */
  async function reply() {
    while (answered < asked) await new Promise((resolve) => replies.push(resolve));
  }

  function acknowledge(action) {
    write(JSON.stringify({ action: 'status', responseFor: action }));
  }

  function write(line) {
    world.note({ from: 'child', line });
    world.write(line);
  }

  return {
    /** A line of the daemon. It is noted as it comes, whatever the child is busy with. */
    read(line) {
      world.note({ from: 'daemon', line });
      const message = JSON.parse(line);
      if (message.action === 'checkpoint') {
        answered += 1;
        for (const wake of replies.splice(0)) wake();
        return;
      }
      if (message.action === 'initialize') script = { ...OBEDIENT, ...world.scriptOf(message.shardId) };
      for (const { partitionKey, sequenceNumber, subSequenceNumber } of message.records ?? [])
        known.set(nameOf(partitionKey), { sequenceNumber, subSequenceNumber });
      turn = turn.then(() => act(message));
    },
    end() {
      world.note({ from: 'daemon', line: undefined });
    },
  };
}

function positionOf(known, at) {
  if (at === undefined) return { sequenceNumber: null, subSequenceNumber: null };
  if (at.text !== undefined) return { sequenceNumber: at.text, subSequenceNumber: 0 };
  const position = known.get(at.record ?? at.beyond);
  // A lease that came and went between two records: the scenario fails by itself, and no other one with it.
  if (position === undefined) return { sequenceNumber: 'unseen', subSequenceNumber: 0 };
  const { sequenceNumber, subSequenceNumber } = position;
  if (at.beyond !== undefined) return { sequenceNumber: String(BigInt(sequenceNumber) + 1n), subSequenceNumber: 0 };
  if (at.sub === 'none') return { sequenceNumber };
  return { sequenceNumber, subSequenceNumber: at.sub ?? subSequenceNumber };
}

/** Partition keys may carry what brings them into their shard: `name~17`. */
function nameOf(partitionKey) {
  return partitionKey.split('~')[0];
}
