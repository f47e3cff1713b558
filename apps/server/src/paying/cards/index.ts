export { drawingCards } from './drawing-cards.ts';
export { writeSunMessage } from './ntag424.ts';
export { addCardRoutes } from './routes.ts';
export { addProgrammingRoutes, addTapRoutes } from './tap-routes.ts';
