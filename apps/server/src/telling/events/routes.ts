import { type Event, eventListQuerySchema, eventPageSchema } from '@quittance/contract';
import type { Database } from '../../platform/db/index.ts';
import { answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import type { RecordedEvent } from './event.ts';
import { listEvents } from './list-events.ts';

export function addEventRoutes(app: HttpApp, deps: { database: Database }): void {
  app.get(
    '/v1/events',
    {
      config: needs('events:read'),
      schema: {
        tags: ['Events'],
        operationId: 'listEvents',
        summary: 'Read events, oldest first',
        description:
          'Ask again with the last id as `starting_after`: each event comes exactly once, also when ' +
          'webhooks could not be delivered.',
        querystring: eventListQuerySchema,
        response: answers(200, eventPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, type } = request.query;
      const { events, hasMore } = await deps.database.asTenant(merchantOf(request), (tx) =>
        listEvents(tx, { startingAfter, limit, type }),
      );
      return { data: events.map(toJson), has_more: hasMore };
    },
  );
}

function toJson(event: RecordedEvent): Event {
  const { id, type, orderId, data, createdAtMs } = event;
  return { id, type, orderId, timestamp: new Date(createdAtMs).toISOString(), data };
}
