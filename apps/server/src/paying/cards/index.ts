export { drawingCards } from './drawing-cards.ts';
export { writeSunMessage } from './ntag424.ts';
export type { ProgramDeps } from './program-card.ts';
export { addCardRoutes, type CardRouteDeps } from './routes.ts';
export { addProgrammingRoutes, addTapRoutes, type TapRouteDeps } from './tap-routes.ts';
