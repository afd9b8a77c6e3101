/** The metrics on a Meter of OpenTelemetry, which is the user's: Millrace needs its shape and imports nothing of it. */
import { METRICS, takeSnapshot, type HealthSource, type Metric, type Sample } from './metrics.js';

/** What Millrace uses of the Meter of `@opentelemetry/api`. */
export interface Meter {
  createObservableGauge(name: string, options: MeterInstrumentOptions): MeterInstrument;
  createObservableCounter(name: string, options: MeterInstrumentOptions): MeterInstrument;
  addBatchObservableCallback(callback: MeterCallback, instruments: MeterInstrument[]): void;
  removeBatchObservableCallback(callback: MeterCallback, instruments: MeterInstrument[]): void;
}

export interface MeterInstrumentOptions {
  readonly description: string;
  readonly unit: string;
}

/** Made by the Meter and only handed back to it. */
export type MeterInstrument = object;

export type MeterCallback = (result: MeterResult) => void;

export interface MeterResult {
  observe(instrument: MeterInstrument, value: number, attributes: Record<string, string>): void;
}

/** Registers every metric of the table; the function it returns ends that. */
export function observeHealth(meter: Meter, source: HealthSource): () => void {
  const observation = new Observation(meter, source);
  return () => observation.end();
}

interface Series {
  readonly metric: Metric;
  readonly instrument: MeterInstrument;
  readonly sample: Sample;
}

/**
 * A meter repeats the last value of a series that is not observed any more: a shard that went to another worker would be
 * held here for ever. So each gauge that has gone is set to zero once; the worker's own are, after its end.
 */
class Observation {
  private readonly instruments: readonly (readonly [Metric, MeterInstrument])[];
  private last: ReadonlyMap<string, Series> = new Map();
  private ended = false;

  constructor(
    private readonly meter: Meter,
    private readonly source: HealthSource,
  ) {
    this.instruments = METRICS.map((metric) => [metric, create(meter, metric)]);
    meter.addBatchObservableCallback(this.callback, this.all());
  }

  end(): void {
    this.ended = true;
  }

  private readonly callback: MeterCallback = (result) => {
    const now = this.ended ? new Map<string, Series>() : this.series();
    for (const [key, { metric, instrument, sample }] of this.last)
      if (metric.kind === 'gauge' && !now.has(key)) result.observe(instrument, 0, { ...sample.labels });
    for (const { instrument, sample } of now.values()) result.observe(instrument, sample.value, { ...sample.labels });
    this.last = now;
    // Not at once: the meter is walking through its callbacks.
    if (this.ended) queueMicrotask(() => this.meter.removeBatchObservableCallback(this.callback, this.all()));
  };

  private series(): ReadonlyMap<string, Series> {
    const snapshot = takeSnapshot(this.source);
    return new Map(
      this.instruments.flatMap(([metric, instrument]) =>
        metric
          .samples(snapshot)
          .map((sample) => [`${metric.name}${JSON.stringify(sample.labels)}`, { metric, instrument, sample }]),
      ),
    );
  }

  private all(): MeterInstrument[] {
    return this.instruments.map(([, instrument]) => instrument);
  }
}

function create(meter: Meter, { name, kind, help }: Metric): MeterInstrument {
  const options = { description: help, unit: name.endsWith('_seconds') ? 's' : '1' };
  switch (kind) {
    case 'gauge':
      return meter.createObservableGauge(name, options);
    case 'counter':
      return meter.createObservableCounter(name, options);
    default:
      return kind satisfies never;
  }
}
