/**
 * The metrics as Prometheus reads them. A registry of our own, so nothing gets mixed with the metrics of the program; without
 * the default metrics of prom-client, whose measurement of the event loop wakes an idle process a hundred times a second.
 */
import type { Counter, Gauge, Registry } from 'prom-client';
import { METRICS, type HealthSnapshot, type Metric, type Sample } from './metrics.js';

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Loads prom-client when the first scrape comes: a worker that nobody scrapes does without it. */
export class PrometheusPage {
  private registry: Promise<Registry> | undefined;
  private snapshot: HealthSnapshot | undefined;

  async render(snapshot: HealthSnapshot): Promise<MetricsText> {
    this.registry ??= this.register();
    const registry = await this.registry;
    // All metrics of a scrape speak of one moment; `collect` is called before anything else is awaited.
    this.snapshot = snapshot;
    return { contentType: registry.contentType, text: await registry.metrics() };
  }

  private async register(): Promise<Registry> {
    const client = await import('prom-client');
    const registry = new client.Registry();
    for (const metric of METRICS) {
      const samples = (): readonly Sample[] => (this.snapshot === undefined ? [] : metric.samples(this.snapshot));
      registry.registerMetric(instrument(client, metric, samples));
    }
    return registry;
  }
}

type PromClient = typeof import('prom-client');

function instrument(
  { Counter, Gauge }: PromClient,
  { name, help, labels, kind }: Metric,
  samples: () => readonly Sample[],
): Counter | Gauge {
  // `registers`: without it, the metric would also be in the program's own registry.
  const options = { name, help, labelNames: labels, registers: [] };
  switch (kind) {
    case 'gauge':
      return new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const { labels, value } of samples()) this.set(labels, value);
        },
      });
    case 'counter':
      return new Counter({
        ...options,
        collect() {
          // The values are totals that never go backwards; reset and add is how this library takes a total.
          this.reset();
          for (const { labels, value } of samples()) this.inc(labels, value);
        },
      });
    default:
      return kind satisfies never;
  }
}
