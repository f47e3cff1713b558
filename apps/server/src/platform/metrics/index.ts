export {
  type CounterName,
  createMetrics,
  type GaugeName,
  type GaugeSource,
  type HistogramName,
  type Metrics,
  metricTable,
  type Reading,
} from './metrics.ts';
