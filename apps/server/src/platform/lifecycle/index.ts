export {
  createLifecycle,
  type Lifecycle,
  type LifecycleOptions,
  type ProcessHooks,
  type Running,
} from './lifecycle.ts';
