export { createAdminKey, createKey, ensureAdminKey, type KeyDeps } from './create-key.ts';
export { type KeyRing, openKeyRing } from './key-ring.ts';
export { addKeyRoutes, type KeyRouteDeps } from './routes.ts';
export { samePersonAs } from './same-person.ts';
export { readValidScopes } from './valid-scopes.ts';
